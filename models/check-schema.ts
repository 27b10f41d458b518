import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { schemaProblems } from './schema-problems.ts';

/** A schema's patterns come from a caller: one that backtracks for ever must not hold the worker's event loop. */
const LIMIT_MS = 5000;

const THREAD = new URL(
  `./check-schema-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`,
  import.meta.url,
);

/** Problems of a JSON text under a JSON Schema, as sentences; none when it satisfies it. Runs in a thread that is ended after 5 s, which is a problem like any other. */
export async function checkSchema(
  text: string,
  schema: string,
  what: 'answer' | 'arguments' = 'answer',
): Promise<string[]> {
  // A thread costs more than the check: only a pattern can take for ever.
  if (!/"(pattern|patternProperties|format)"/.test(schema))
    return schemaProblems(text, schema, what);
  const thread = new Worker(THREAD, { workerData: { text, schema, what } });
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  const timer = setTimeout(
    () =>
      resolve([
        `The ${what} could not be checked against ${what === 'answer' ? 'its' : 'their'} schema within ${LIMIT_MS / 1000} s.`,
      ]),
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

/** Throws when a value is no JSON Schema that can be checked. */
export function checkUsableSchema(schema: Record<string, unknown>): void {
  z.fromJSONSchema(schema);
}
