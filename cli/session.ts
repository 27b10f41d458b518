import { RlmClient } from '../client/index.ts';
import type { ServerOptions } from './common-options.ts';
import { type EmbeddedHandle, openEmbedded } from './embedded.ts';
import { type Home, homeFrom } from './home.ts';
import { say } from './output.ts';
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts';

/** A connection to the server that a command uses, and whatever was started for it. */
export interface Session {
  readonly client: RlmClient;
  readonly home: Home;
  readonly address: string;
  readonly namespace: string;
  /** Base URL of the Web UI; null on a server that this command does not know more of. */
  readonly uiUrl: string | null;
  /** The embedded server when the session uses it. */
  readonly embedded: EmbeddedHandle | null;
  /** Starts a worker child for an embedded server; does nothing on a server that was named. */
  startWorker(args?: string[]): Promise<WorkerProcess | null>;
  /** Ends the connection, then the worker, then the server, as far as this session started them. */
  close(): Promise<void>;
}

/**
 * Connects to the named server, else to the embedded one on `RLM_HOME`, which is started when none runs there.
 * Throws ServerUnavailable or CliError; then nothing is left running.
 */
export async function openSession(
  options: ServerOptions,
  log: (line: string) => void,
): Promise<Session> {
  const home = homeFrom(process.env);
  const named = options.address ?? process.env['TEMPORAL_ADDRESS'];
  const namespace = options.namespace ?? process.env['TEMPORAL_NAMESPACE'] ?? 'default';
  const embedded = named === undefined ? await openEmbedded(home, log) : null;
  const address = embedded?.address ?? named ?? '';
  let client: RlmClient;
  try {
    client = await RlmClient.connect({ address, namespace, store: home.storeLocation });
  } catch (error) {
    await embedded?.release();
    throw error;
  }
  let worker: WorkerProcess | null = null;
  return {
    client,
    home,
    address,
    namespace,
    embedded,
    uiUrl: embedded?.uiUrl ?? null,
    startWorker: async (args = []) => {
      if (embedded === null) return null;
      // A person who waits some seconds wants to know for what.
      if (worker === null) say(`Starting a worker on ${home.dir} …`);
      worker ??= await startWorkerProcess({
        env: { ...process.env, TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace },
        args,
        onLog: log,
      });
      return worker;
    },
    close: async () => {
      await client.close();
      await worker?.stop();
      await embedded?.release();
    },
  };
}

/** Page of a run in the Web UI. */
export function runPage(session: Session, workflowId: string): string | null {
  return session.uiUrl === null ? null : runUrl(session.uiUrl, session.namespace, workflowId);
}

export function runUrl(uiUrl: string, namespace: string, workflowId: string): string {
  return `${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;
}
