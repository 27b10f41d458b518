import { RlmClient, ServerUnavailable } from '../../client/index.ts';
import { createService } from './service.ts';

const port = Number(process.env['PORT'] ?? 8080);

try {
  const client = await RlmClient.connect({ store: process.env['RLM_STORE'] ?? '.rlm/store' });
  const server = createService(client).listen(port, '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${port}`);
  });
  const stop = (): void => {
    // Runs go on without this process; whoever asks next is answered by another instance.
    server.close(() => void client.close());
    server.closeIdleConnections();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
} catch (error) {
  console.error(error instanceof ServerUnavailable ? error.message : error);
  process.exitCode = 1;
}
