import { loadWorkerConfig } from '../../worker/config.ts';
import { startEmbeddedServer } from '../../worker/embedded-server.ts';
import { bundleWorkflows } from '../../worker/workflow-bundle.ts';

/** Once a test run: one in-memory Temporal server and one workflow bundle for all suites. Suites keep apart by task queue. */
export default async function setup(): Promise<void> {
  const { codePath } = await bundleWorkflows(loadWorkerConfig(process.env).cacheDir);
  process.env['RLM_TEST_BUNDLE'] = codePath;
  const server = await startEmbeddedServer({ inMemory: true, log: () => undefined });
  process.env['RLM_TEST_TEMPORAL'] = server.address;
  Object.assign(globalThis, { stopTestServer: () => server.stop() });
}
