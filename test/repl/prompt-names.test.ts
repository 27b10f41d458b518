import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { loadPrompts } from '../../models/prompts/prompt-set.ts';
import type { Repl } from '../../repl/index.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

// Scope: what the system prompt says of the REPL is so. Asked of a real kernel, so that prompt and prelude cannot drift apart.

const Offered = z.object({
  functions: z.record(
    z.string(),
    z.array(z.object({ name: z.string(), kind: z.string(), default: z.string().nullable() })),
  ),
  types: z.record(z.string(), z.array(z.string())),
  builtins: z.array(z.string()),
});

const ASK = `
import builtins, inspect, json, rlm
offered = {n: v for n, v in vars(rlm).items() if not n.startswith("_") and callable(v)}
print(json.dumps({
    "functions": {n: [{"name": p.name, "kind": p.kind.name,
                       "default": None if p.default is p.empty else repr(p.default).replace("'", '"')}
                      for p in inspect.signature(f).parameters.values()]
                  for n, f in offered.items() if not isinstance(f, type)},
    "types": {n: sorted(set(dir(t)) - {a for a in dir(t) if a.startswith("_")}) for n, t in offered.items() if isinstance(t, type)},
    "builtins": dir(builtins),
}))`;

/** Found by import, or methods of what the standard library gives. */
const ELSEWHERE = ['ThreadPoolExecutor', 'gather', 'connect'];

const store = memoryStore();
let repl: Repl;
let session: Session;
let offered: z.infer<typeof Offered>;

beforeAll(async () => {
  repl = await openTestRepl(store);
  session = new Session(repl, store);
  offered = Offered.parse(JSON.parse((await session.run(ASK)).stdout));
});
afterAll(() => repl.dispose());

function render(recursion: boolean): string {
  return loadPrompts().fill('system.md', {
    sub_model: 'small-one',
    sub_calls: '',
    recursion,
    tool_replies: false,
    has_packages: false,
    packages: '',
    has_tools: false,
    tools: '',
  });
}

const prompt = render(true) + render(false);
/** What stands between single backticks. */
const spans = [...prompt.matchAll(/(?<!`)`([^`\n]+)`(?!`)/g)].map((match) => match[1] ?? '');

describe('the system prompt', () => {
  test('names each function, type and variable that there is', async () => {
    const named = new Set(prompt.match(/\w+/g));
    expect(Object.keys(offered.functions).length).toBeGreaterThan(14);
    const names = [...Object.keys(offered.functions), ...Object.keys(offered.types)];
    const missing = names.filter((name) => !named.has(name));
    expect(missing).toEqual([]);
    const { value } = await session.run(
      '[n for n in ("answer", "out", "history") if n in globals()]',
    );
    expect(value).toBe("['answer', 'out', 'history']");
  });

  test('calls nothing that there is not', () => {
    const known = [...Object.keys(offered.functions), ...offered.builtins, ...ELSEWHERE];
    const methods = Object.values(offered.types).flat();
    const calls = spans.flatMap((span) => [...span.matchAll(/(\.?)\b([A-Za-z_]\w*)\(/g)]);
    expect(calls.length).toBeGreaterThan(20);
    const wrong = calls.filter(
      ([, dot, name = '']) => ![...known, ...(dot === '.' ? methods : [])].includes(name),
    );
    expect(wrong.map(([call]) => call)).toEqual([]);
  });

  test('gives each function the parameters and defaults that it has', () => {
    const seen = spans.flatMap((span) => {
      const [, name = '', args = ''] = /^(\w+)\((.*)\)$/.exec(span) ?? [];
      const parameters = offered.functions[name];
      return parameters === undefined || args === '' ? [] : [{ span, args, parameters }];
    });
    expect(seen.length).toBeGreaterThan(8);
    for (const { span, args, parameters } of seen) {
      for (const [at, arg] of args.split(', ').entries()) {
        const [key = '', given] = arg.split('=');
        const named = parameters.find((p) => p.name === key);
        const positional = parameters[at];
        if (given === undefined) {
          expect({
            span,
            positional: positional?.kind === 'VAR_POSITIONAL' ? key : positional?.name,
          }).toEqual({ span, positional: key });
        } else {
          // `value` and `values` stand for what the caller has.
          const isDefault = !given.startsWith('value');
          expect({ span, key, default: isDefault ? named?.default : given }).toEqual({
            span,
            key,
            default: given,
          });
          expect(named).toBeDefined();
        }
      }
    }
  });

  test('names attributes that texts, passages and replies have', () => {
    const attributes = new Set(Object.values(offered.types).flat());
    const named = spans.flatMap((span) =>
      [...span.matchAll(/(?:^|\b(?:reply|p))\.(\w+)/g)].map((match) => match[1] ?? ''),
    );
    expect(named).toEqual(expect.arrayContaining(['pages', 'heading', 'error', 'data', 'start']));
    expect(named.filter((name) => !attributes.has(name))).toEqual([]);
  });

  test('names modules that can be imported, and says rightly which cannot', async () => {
    const list = /system: ([\w., ]+)\. Tables/.exec(prompt)?.[1] ?? '';
    expect(list.split(', ')).toContain('sqlite3');
    const { error } = await session.run(`import ${list}`);
    expect(error).toBeNull();
    for (const name of ['numpy', 'pandas']) {
      expect(prompt).toContain(`no ${name}`);
      expect((await session.run(`import ${name}`)).error?.type).toBe('ModuleNotFoundError');
    }
  });
});
