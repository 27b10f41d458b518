import { describe, expect, test } from '@jest/globals';
import type { ToolFunction } from '../../protocol/index.ts';
import { describeTool, InvalidTool } from '../../repl/index.ts';

// Scope: how a JSON Schema becomes a Python function. That Python agrees is in tools.test.ts.

function describeSchema(schema: Record<string, unknown>): ToolFunction {
  return describeTool({ name: 'tool', description: '', schema }, new Set());
}

function problemOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (error instanceof InvalidTool) return `${error.field}: ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('a signature', () => {
  const text = { type: 'string' };

  test.each<[string, Record<string, unknown>, string]>([
    ['without properties', { type: 'object' }, '()'],
    [
      'of required properties',
      { properties: { b: text, a: text }, required: ['a', 'b'] },
      '(b: str, a: str)',
    ],
    [
      'of optional properties',
      { properties: { a: text, n: { type: 'integer', default: 3 } } },
      '(*, a: str = None, n: int = 3)',
    ],
    [
      'with required ones behind optional ones',
      { properties: { a: text, b: text }, required: ['b'] },
      '(b: str, *, a: str = None)',
    ],
    [
      'with defaults as Python writes them',
      { properties: { a: { default: true }, b: { default: null }, c: { default: ['x'] } } },
      '(*, a: Any = True, b: Any = None, c: Any = ["x"])',
    ],
    ['of a keyword', { properties: { from: text }, required: ['from'] }, '(from_: str)'],
    [
      'of what is no identifier',
      { properties: { 'max-age': text, '2nd': text, größe: text } },
      '(*, max_age_: str = None, _2nd_: str = None, größe: str = None)',
    ],
    [
      'of names that would be the same',
      { properties: { 'a-b': text, a_b_: text } },
      '(*, a_b_: str = None, a_b__: str = None)',
    ],
    [
      'of a name that Python would read as another',
      { properties: { ﬁ: text } },
      '(*, fi_: str = None)',
    ],
    [
      'of types',
      {
        properties: {
          a: { type: 'array', items: { type: 'number' } },
          b: { type: ['string', 'null'] },
          c: { enum: ['x', 'y', null] },
          d: { anyOf: [{ type: 'object' }, { type: 'boolean' }] },
        },
      },
      '(*, a: list[float] = None, b: str | None = None, c: Literal["x", "y"] | None = None, d: dict | bool = None)',
    ],
  ])('%s', (_, schema, signature) => {
    expect(describeSchema(schema).signature).toBe(signature);
  });

  test('tells which property each parameter is', () => {
    const { parameters } = describeSchema({ properties: { from: text }, required: ['from'] });
    expect(parameters).toEqual([
      { name: 'from_', property: 'from', required: true, type: 'str', nullable: false },
    ]);
  });
});

test('a docstring tells what is in dicts, and in lists of dicts', () => {
  const { doc } = describeTool(
    {
      name: 'book',
      description: 'Books a trip.',
      schema: {
        properties: {
          who: { type: 'string', description: 'Full  name.' },
          stay: {
            type: 'object',
            properties: {
              nights: { type: 'integer' },
              rooms: { type: 'array', items: { properties: { beds: { type: 'integer' } } } },
            },
            required: ['nights'],
          },
        },
        required: ['who'],
      },
    },
    new Set(),
  );
  expect(doc).toBe(`Books a trip.

Arguments:
    who (str): Full name.
    stay (dict, optional)
        "nights" (int)
        "rooms" (list[dict], optional)
            "beds" (int, optional)

Returns a str; .data is what the tool returned. A failed call has .error: test with ok(reply).`);
});

describe('a tool is refused', () => {
  const taken = new Set(['search', 'search_async']);
  test.each<[string, Record<string, unknown>, string]>([
    ['llm_query', {}, 'name: llm_query is a name of the REPL itself; give the tool another'],
    ['rlm_query', {}, 'name: rlm_query is a name of the REPL itself; give the tool another'],
    ['print', {}, 'name: print is a name of the REPL itself; give the tool another'],
    ['search', {}, 'name: two tools are called search in the REPL; rename one'],
    ['class', {}, 'name: "class" cannot be the name of a Python function'],
    ['2do', {}, 'name: "2do" cannot be the name of a Python function'],
    ['ok_tool', { type: 'array' }, 'parameters: expected a JSON Schema of type object'],
    ['ok_tool', { required: ['x'] }, 'parameters: x is required but not among the properties'],
  ])('%s %j', (name, schema, problem) => {
    expect(problemOf(() => describeTool({ name, description: '', schema }, taken))).toBe(problem);
  });

  test('not for a name of another system: it is spelled as Python can', () => {
    expect(describeTool({ name: 'git.log-all', description: '', schema: {} }, taken).name).toBe(
      'git_log_all',
    );
  });
});
