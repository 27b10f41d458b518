import type { ToolFunction, ToolParameter } from '../protocol/index.ts';
import { documentTool, type JsonSchema, typeOf } from './tool-docs.ts';

/** Python's keywords, the soft ones too: `match` could be a name, but would read badly. */
const KEYWORDS = new Set(
  'False None True and as assert async await break case class continue def del elif else except finally for from global if import in is lambda match nonlocal not or pass raise return try type while with yield'.split(
    ' ',
  ),
);

/** Names that the session has already, and those that it keeps for itself. `test/repl/tools.test.ts` compares them with a kernel's. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set(
  'answer ask_human chunk_text context describe FINAL FINAL_VAR group_by history In input_data llm_query llm_query_async llm_query_batched ok out Out quote rank rlm_query rlm_query_async rlm_query_batched search_all search_text SHOW_VARS SUBMIT Document Passage Reply'.split(
    ' ',
  ),
);

/** Builtins that code relies on: a tool of that name would break it. */
const BUILTINS = new Set(
  'abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex delattr dict dir divmod enumerate eval exec exit filter float format frozenset getattr globals hasattr hash help hex id input int isinstance issubclass iter len list locals map max memoryview min next object oct open ord pow print property quit range repr reversed round set setattr slice sorted staticmethod str sum super tuple vars zip'.split(
    ' ',
  ),
);

/** A tool that cannot become a function; `field` says what of it is wrong. */
export class InvalidTool extends Error {
  override readonly name = 'InvalidTool';
  readonly field: 'name' | 'parameters';
  constructor(field: 'name' | 'parameters', message: string) {
    super(message);
    this.field = field;
  }
}

/**
 * A tool as a Python function. Required properties become positional-or-keyword parameters in the order of the schema,
 * optional ones keyword-only with their defaults (None without one). A name that Python does not allow has its strange
 * characters replaced by `_` and ends in `_`: `from` is `from_`, `max-age` is `max_age_`.
 * `taken` are the names of the tools before it; `<name>_async` is taken by each as well. Throws InvalidTool.
 */
export function describeTool(
  tool: { name: string; description: string; schema: Record<string, unknown> },
  taken: ReadonlySet<string>,
): ToolFunction {
  const name = functionName(tool.name);
  for (const made of [name, `${name}_async`]) {
    if (RESERVED_NAMES.has(made) || BUILTINS.has(made)) {
      throw new InvalidTool('name', `${made} is a name of the REPL itself; give the tool another`);
    }
    if (taken.has(made)) {
      throw new InvalidTool('name', `two tools are called ${made} in the REPL; rename one`);
    }
  }
  const schema: JsonSchema = tool.schema;
  const parameters = parametersOf(schema);
  return {
    name,
    signature: signatureOf(parameters),
    doc: documentTool(tool.description, schema, parameters),
    parameters,
    schema: tool.schema,
  };
}

/** Tools are called by other systems' names: what Python does not allow in them becomes `_`. */
function functionName(name: string): string {
  const safe = identifier(name.replaceAll(/[^\p{ID_Continue}]/gu, '_'));
  if (safe !== null) return safe;
  throw new InvalidTool('name', `${JSON.stringify(name)} cannot be the name of a Python function`);
}

function parametersOf(schema: JsonSchema): ToolParameter[] {
  if (schema.type !== undefined && schema.type !== 'object') {
    throw new InvalidTool('parameters', 'expected a JSON Schema of type object');
  }
  const properties = Object.entries(schema.properties ?? {});
  const required = new Set(schema.required ?? []);
  const missing = [...required].find((name) => !Object.hasOwn(schema.properties ?? {}, name));
  if (missing !== undefined) {
    throw new InvalidTool('parameters', `${missing} is required but not among the properties`);
  }
  const used = new Set<string>();
  const made = properties.map(([property, of]): ToolParameter => {
    let name =
      identifier(property) ??
      `${property.normalize('NFKC').replaceAll(/[^\p{ID_Continue}]/gu, '_')}_`;
    if (identifier(name) === null) name = `_${name}`;
    while (used.has(name)) name += '_';
    used.add(name);
    return {
      name,
      property,
      required: required.has(property),
      type: typeOf(of),
      ...(of.default === undefined ? {} : { default: JSON.stringify(of.default) }),
      nullable: /\b(None|Any)\b/.test(typeOf(of)),
    };
  });
  // As in the schema, but what must be given comes first.
  return [...made.filter((p) => p.required), ...made.filter((p) => !p.required)];
}

/** The name itself when Python takes it as it is; null otherwise. Python compares names in NFKC form. */
function identifier(name: string): string | null {
  const allowed =
    /^[\p{ID_Start}_]\p{ID_Continue}*$/u.test(name) &&
    name.normalize('NFKC') === name &&
    !KEYWORDS.has(name);
  return allowed ? name : null;
}

function signatureOf(parameters: readonly ToolParameter[]): string {
  const shown: string[] = [];
  let star = false;
  for (const { name, type, required, default: json } of parameters) {
    if (!required && !star) {
      star = true;
      shown.push('*');
    }
    shown.push(required ? `${name}: ${type}` : `${name}: ${type} = ${pythonOf(json)}`);
  }
  return `(${shown.join(', ')})`;
}

/** A default as Python writes it; long ones are cut, since this is only shown. */
function pythonOf(json: string | undefined): string {
  if (json === undefined) return 'None';
  const text = { true: 'True', false: 'False', null: 'None' }[json] ?? json;
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}
