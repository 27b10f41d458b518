import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  answerRecordKey,
  type CallAnswer,
  CallRequest,
  type Edit,
  type JournalCall,
  NO_USAGE,
  type RunCellInput,
  type WaitingCell,
} from '../../protocol/index.ts';
import { describeTool, RESERVED_NAMES, type Repl } from '../../repl/index.ts';
import { getJson, memoryStore, putJson } from '../../store/index.ts';
import { openTestRepl, type Ran, Session } from './support/session.ts';

// Scope: tools and questions inside of a real kernel.

const store = memoryStore();
let repl: Repl;
beforeAll(async () => {
  repl = await openTestRepl(store);
}, 120_000);
afterAll(() => repl.dispose());

const WEATHER = {
  name: 'weather',
  description: 'The weather of a city.',
  schema: {
    properties: {
      city: { type: 'string' },
      from: { type: 'integer' },
      days: { type: 'integer', default: 3 },
      unit: { type: ['string', 'null'] },
      note: { type: 'string' },
    },
    required: ['city', 'from'],
  },
};

async function toolbox(...tools: Parameters<typeof describeTool>[0][]): Promise<Edit> {
  const functions = tools.map((tool) => describeTool(tool, new Set()));
  return { kind: 'setTools', toolbox: (await putJson(store, { functions })).digest };
}

async function withTools(name: string): Promise<Session> {
  const session = new Session(repl, store, name);
  await session.run('', { edits: [await toolbox(WEATHER)] });
  return session;
}

/** What the calls of a stop asked for. */
async function requests(session: Session, waiting: WaitingCell): Promise<CallRequest[]> {
  const { calls } = await session.round(waiting);
  return Promise.all(calls.map(({ request }) => getJson(store, request, CallRequest)));
}

async function answer(
  input: RunCellInput,
  calls: readonly JournalCall[],
  content: Partial<CallAnswer & { status: 'ok' }>,
): Promise<void> {
  for (const { number, request } of calls) {
    const { digest } = await putJson(store, {
      status: 'ok',
      text: '',
      model: 'tool',
      finishReason: 'stop',
      usage: NO_USAGE,
      ...content,
    });
    await store.records.create(answerRecordKey(input.key, number, request), digest);
  }
}

/** Runs a cell that stops once, and gives all its calls the same answer. */
async function told(
  session: Session,
  code: string,
  content: Partial<CallAnswer & { status: 'ok' }>,
): Promise<Ran> {
  const { input, waiting } = await session.wait(code);
  const { calls } = await session.round(waiting);
  await answer(input, calls, content);
  const delivery = {
    clockMs: input.clockMs,
    recorded: [[1, calls.length] as [number, number]],
    failed: [],
    subRuns: [],
  };
  const outcome = await repl.runStep({ ...input, journal: waiting.journal, delivery });
  if (outcome.kind !== 'finished') throw new Error(JSON.stringify(outcome));
  session.image = outcome.image;
  return session.read(outcome);
}

describe('a tool', () => {
  test('is a function that says what it takes', async () => {
    const session = await withTools('says');
    const { value } = await session.run(
      'import inspect\n(weather.__name__, str(inspect.signature(weather)), str(inspect.signature(weather_async)), weather.__doc__.split("\\n")[0], inspect.iscoroutinefunction(weather_async))',
    );
    expect(value).toBe(
      "('weather', '(city: str, from_: int, *, days: int = 3, unit: str | None = None, note: str = None) -> rlm.Reply', '(city: str, from_: int, *, days: int = 3, unit: str | None = None, note: str = None) -> rlm.Reply', 'The weather of a city.', True)",
    );
    const help = await session.run('help(weather)');
    expect(help.stdout).toContain('    city: str,\n    from_: int,\n    *,\n    days: int = 3,\n');
  });

  test.each([
    ['weather("Bern", 1)', '{"city": "Bern", "from": 1, "days": 3}'],
    ['weather(from_=1, city="Bern", days=9)', '{"city": "Bern", "from": 1, "days": 9}'],
    [
      'weather("Bern", 1, unit=None, note=None)',
      '{"city": "Bern", "from": 1, "days": 3, "unit": null}',
    ],
    [
      'weather("Zürich \\ud800", [1, {"a": None}])',
      '{"city": "Zürich \ufffd", "from": [1, {"a": null}], "days": 3}',
    ],
  ])('asks by property: %s', async (code, json) => {
    const session = await withTools(`asks ${code}`);
    const { waiting } = await session.wait(code);
    expect(await requests(session, waiting)).toEqual([
      { kind: 'tool', tool: 'weather', prompt: json, model: null, context: null },
    ]);
    expect(waiting.tools).toEqual([{ tool: 'weather', calls: [[1, 1]] }]);
  });

  test.each([
    [
      'weather("Bern")',
      "weather() missing a required argument: 'from_'; it is weather(city: str, from_: int, *, days: int = 3, unit: str | None = None, note: str = None)",
    ],
    [
      'weather("Bern", 1, 2)',
      'weather() too many positional arguments; it is weather(city: str, from_: int, *, days: int = 3, unit: str | None = None, note: str = None)',
    ],
    [
      'weather("Bern", 1, {1, 2})',
      'weather() too many positional arguments; it is weather(city: str, from_: int, *, days: int = 3, unit: str | None = None, note: str = None)',
    ],
    [
      'weather("Bern", {1, 2})',
      'weather() takes values that JSON can hold: Object of type set is not JSON serializable',
    ],
    [
      'weather("Bern", float("nan"))',
      'weather() takes values that JSON can hold: Out of range float values are not JSON compliant: nan',
    ],
  ])('refuses at once what cannot be asked: %s', async (code, message) => {
    const session = await withTools(`refuses ${code}`);
    const { error, calls } = await session.run(code);
    expect([error?.type, error?.message, calls]).toEqual(['TypeError', message, 0]);
  });

  test('returns a str whose data is what the tool returned', async () => {
    const session = await withTools('returns');
    const show = 'r = weather("Bern", 1)\n(r, r.data, type(r.data).__name__, ok(r))';
    const dict = await told(session, show, { text: '{"t": [1, null]}', format: 'json' });
    expect(dict.value).toBe(`('{"t": [1, null]}', {'t': [1, None]}, 'dict', True)`);
    const text = await told(session, show, { text: '42', format: 'text' });
    expect(text.value).toBe("('42', '42', 'str', True)");
  });

  test('is called several times at once, beside sub-calls, in one round', async () => {
    const session = await withTools('at once');
    const { waiting } = await session.wait(
      'import asyncio\nfrom concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as pool:\n    a = [pool.submit(weather, c, 1) for c in "xyz"]\n    b = pool.submit(llm_query, "hi")\n    c = pool.submit(weather, "w", 1)',
    );
    expect(waiting.callCount).toBe(5);
    expect(waiting.tools).toEqual([
      { tool: 'weather', calls: [[1, 3]] },
      { tool: 'weather', calls: [[5, 5]] },
    ]);
    const gathered = await session.wait(
      'await asyncio.gather(*[weather_async(c, 1) for c in "xy"])'.replace(/^/, 'import asyncio\n'),
    );
    expect(gathered.waiting.tools).toEqual([{ tool: 'weather', calls: [[1, 2]] }]);
  });

  test('is the session’s own: an assignment does not last, SHOW_VARS leaves it out', async () => {
    const session = await withTools('own');
    const { stderr } = await session.run('weather = 3');
    expect(stderr).toBe('[weather: reserved name(s), restored]\n');
    const { stdout } = await session.run('x = 1\nSHOW_VARS()');
    expect(stdout).toBe("answer: dict of 2 = {'content': '', 'ready': False}\nx: int = 1\n");
  });

  test('is still there in another kernel, and gone with the next toolbox', async () => {
    const session = await withTools('moves');
    const elsewhere = new Session(repl, store, 'another run');
    elsewhere.image = session.image;
    expect((await elsewhere.run('weather.__name__')).value).toBe("'weather'");
    const edits = [await toolbox({ name: 'other', description: '', schema: {} })];
    const { error } = await elsewhere.run('other, weather_async', { edits });
    expect(error?.message).toBe("name 'weather_async' is not defined");
  });

  test('that has the name of a function of the session is refused', async () => {
    const functions = [{ ...describeTool(WEATHER, new Set()), name: 'llm_query' }];
    const { digest } = await putJson(store, { functions });
    const session = new Session(repl, store, 'collides');
    const { error } = await session.run('', { edits: [{ kind: 'setTools', toolbox: digest }] });
    expect(error?.message).toBe(
      "the tool 'llm_query' has the name of a function of the session: llm_query",
    );
  });
});

test('every name of the session is reserved', async () => {
  const session = new Session(repl, store, 'names');
  const { value } = await session.run('[n for n in globals() if not n.startswith("_")]');
  const names: string[] = JSON.parse((value ?? '[]').replaceAll("'", '"'));
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !RESERVED_NAMES.has(name))).toEqual([]);
});

describe('ask_human', () => {
  test('waits for a person, with the whole question in the store', async () => {
    const session = new Session(repl, store, 'human');
    const { waiting } = await session.wait('ask_human("Which? " + "x" * 500)');
    expect(waiting.humans).toMatchObject([{ call: 1, question: { chars: 507 } }]);
    expect(waiting.humans?.[0]?.question.head).toBe(`Which? ${'x'.repeat(293)}`);
    const [request] = await requests(session, waiting);
    expect(request).toMatchObject({ kind: 'human', prompt: `Which? ${'x'.repeat(500)}` });
  });

  test('gives the answer as a string', async () => {
    const session = new Session(repl, store, 'human answers');
    const { value } = await told(session, 'r = ask_human("Which?"); (r, r.model)', {
      text: 'The second.',
      model: 'human',
    });
    expect(value).toBe("('The second.', 'human')");
  });

  test.each([
    ['ask_human("  ")', 'ValueError', 'ask_human() was given an empty question'],
    ['ask_human(3)', 'TypeError', 'ask_human() takes a question of type str, not int'],
    [
      'ask_human("x" * 20_001)',
      'ValueError',
      'ask_human() takes a question of at most 20,000 characters; this one has 20,001',
    ],
  ])('refuses %s', async (code, type, message) => {
    const session = new Session(repl, store, code);
    const { error } = await session.run(code);
    expect([error?.type, error?.message]).toEqual([type, message]);
  });
});
