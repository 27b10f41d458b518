import type { ToolParameter } from '../protocol/index.ts';

/** Of a JSON Schema, what a signature and a docstring tell. Whether arguments fit is decided by the whole of it, elsewhere. */
export interface JsonSchema {
  type?: string | string[];
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
}

/** Deeper dicts are named but not described. */
const MAX_DEPTH = 4;
const MAX_DOC_CHARS = 8000;
const MAX_ENUM = 12;

const TYPES: Record<string, string> = {
  string: 'str',
  integer: 'int',
  number: 'float',
  boolean: 'bool',
  object: 'dict',
  null: 'None',
};

/** The Python type of a value, as an annotation shows it: `str`, `list[int]`, `Literal["a", "b"]`, `str | None`. */
export function typeOf(schema: JsonSchema): string {
  if (typeof schema !== 'object' || schema === null) return 'Any';
  if (schema.const !== undefined) return `Literal[${JSON.stringify(schema.const)}]`;
  if (Array.isArray(schema.enum) && schema.enum.length <= MAX_ENUM) {
    const nullable = schema.enum.includes(null) ? ' | None' : '';
    const values = schema.enum.filter((value) => value !== null);
    return `Literal[${values.map((value) => JSON.stringify(value)).join(', ')}]${nullable}`;
  }
  const parts = schema.anyOf ?? schema.oneOf;
  if (parts !== undefined) return union(parts.map((part) => typeOf(part)));
  if (Array.isArray(schema.type)) {
    return union(schema.type.map((type) => typeOf({ ...schema, type })));
  }
  if (schema.type === 'array') {
    return schema.items === undefined ? 'list' : `list[${typeOf(schema.items)}]`;
  }
  if (schema.type === undefined) return schema.properties === undefined ? 'Any' : 'dict';
  return TYPES[schema.type] ?? 'Any';
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(' | ') || 'Any';
}

/** The docstring of a tool: what it does, its arguments, and what is in those that are dicts. */
export function documentTool(
  description: string,
  schema: JsonSchema,
  parameters: readonly ToolParameter[],
): string {
  const lines = [description.trim() || 'A tool of this run.'];
  if (parameters.length > 0) lines.push('', 'Arguments:');
  for (const { name, property, type, required } of parameters) {
    const of = schema.properties?.[property] ?? {};
    lines.push(`    ${name} (${type}${required ? '' : ', optional'})${described(of)}`);
    lines.push(...inside(of, 2));
  }
  lines.push(
    '',
    'Returns a str; .data is what the tool returned. A failed call has .error: test with ok(reply).',
  );
  const text = lines.join('\n');
  return text.length <= MAX_DOC_CHARS ? text : `${text.slice(0, MAX_DOC_CHARS)}…`;
}

function described({ description }: JsonSchema): string {
  return description === undefined ? '' : `: ${description.replaceAll(/\s+/g, ' ').trim()}`;
}

/** The keys of a dict, or of the dicts in a list. */
function inside(schema: JsonSchema, depth: number): string[] {
  const dict = schema.properties === undefined ? schema.items : schema;
  if (depth > MAX_DEPTH || dict?.properties === undefined) return [];
  const required = new Set(dict.required ?? []);
  return Object.entries(dict.properties).flatMap(([key, of]) => [
    `${'    '.repeat(depth)}${JSON.stringify(key)} (${typeOf(of)}${required.has(key) ? '' : ', optional'})${described(of)}`,
    ...inside(of, depth + 1),
  ]);
}
