import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';
import { schemaProblems } from './schema-problems.ts';

// The body of `checkSchema`'s thread.
const { text, schema, what } = z
  .object({ text: z.string(), schema: z.string(), what: z.enum(['answer', 'arguments']) })
  .parse(workerData);
parentPort?.postMessage(schemaProblems(text, schema, what), []);
