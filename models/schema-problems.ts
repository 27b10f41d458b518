import { z } from 'zod';

/** Problems of a JSON text under a JSON Schema, as sentences about `what`. May take for ever where the schema has patterns: see `checkSchema`. */
export function schemaProblems(
  text: string,
  schema: string,
  what: 'answer' | 'arguments',
): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return [`${what === 'answer' ? 'answer["content"]' : what} must be JSON: ${String(error)}.`];
  }
  const checked = z.fromJSONSchema(JSON.parse(schema)).safeParse(value);
  if (checked.success) return [];
  return checked.error.issues
    .slice(0, 20)
    .map((issue) => `${issue.path.join('.') || what}: ${issue.message}.`);
}
