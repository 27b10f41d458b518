import { parentPort, workerData } from 'node:worker_threads';
import { z } from 'zod';

// The body of `checkSchema`'s thread.
const { text, schema } = z.object({ text: z.string(), schema: z.string() }).parse(workerData);
parentPort?.postMessage(problemsOf(), []);

function problemsOf(): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return [`answer["content"] must be JSON: ${String(error)}.`];
  }
  const checked = z.fromJSONSchema(JSON.parse(schema)).safeParse(value);
  if (checked.success) return [];
  return checked.error.issues
    .slice(0, 20)
    .map((issue) => `${issue.path.join('.') || 'answer'}: ${issue.message}.`);
}
