import { Worker } from 'node:worker_threads';

/** A schema's patterns come from a caller: one that backtracks for ever must not hold the worker's event loop. */
const LIMIT_MS = 5000;

const THREAD = new URL(
  `./check-schema-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
);

/** Problems of a JSON text under a JSON Schema, as sentences; none when it satisfies it. Runs in a thread that is ended after 5 s, which is a problem like any other. */
export async function checkSchema(text: string, schema: string): Promise<string[]> {
  const thread = new Worker(THREAD, { workerData: { text, schema } });
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  const timer = setTimeout(
    () =>
      resolve([`The answer could not be checked against its schema within ${LIMIT_MS / 1000} s.`]),
    LIMIT_MS,
  );
  thread.once('message', resolve);
  thread.once('error', reject);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    await thread.terminate();
  }
}
