import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { caps } from '../../protocol/index.ts';
import { describeTool, type Repl } from '../../repl/index.ts';
import { putJson } from '../../store/index.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

// Scope: more calls of a kind than one round holds, in a real kernel.

const store = memoryStore();
let repl: Repl;
let elsewhere: Repl;
let session: Session;

beforeAll(async () => {
  [repl, elsewhere] = await Promise.all([openTestRepl(store), openTestRepl(store)]);
  session = new Session(repl, store);
  const functions = [describeTool({ name: 'look_up', description: '', schema: {} }, new Set())];
  const { digest } = await putJson(store, { functions });
  await session.run(
    'import asyncio, threading\ndef at_once(fn, n, *args):\n    out = [None] * n\n    def one(i): out[i] = fn(*args)\n    ts = [threading.Thread(target=one, args=(i,)) for i in range(n)]\n    for t in ts: t.start()\n    for t in ts: t.join()\n    return out',
    { edits: [{ kind: 'setTools', toolbox: digest }] },
  );
});
afterAll(() => Promise.all([repl.dispose(), elsewhere.dispose()]));

describe('calls beyond what one round holds', () => {
  test.each([
    {
      most: caps.SUB_RUNS_A_ROUND,
      code: (n: number) => `rlm_query_batched(["p"] * ${n})`,
      told: 'started: at most 100 in one round; start',
      error: 'started: at most 100 sub-runs in one round; start',
      what: 'sub-runs',
    },
    {
      most: caps.QUESTIONS_A_ROUND,
      code: (n: number) => `at_once(ask_human, ${n}, "p")`,
      told: 'asked: at most 20 in one round; ask',
      error: 'asked: at most 20 questions to a person in one round; ask',
      what: 'questions to a person',
    },
    {
      most: caps.TOOL_CALLS_A_ROUND,
      code: (n: number) => `at_once(look_up, ${n})`,
      told: 'made: at most 1,000 in one round; make',
      error: 'made: at most 1,000 calls of tools in one round; make',
      what: 'calls of tools',
    },
  ])('fail in their slots, the others are made: $what', async ({ most, code, ...says }) => {
    const ran = await session.run(
      `rs = ${code(most + 3)}\n[ok(r) for r in rs] == [True] * ${most} + [False] * 3, {r.error for r in rs if not ok(r)}`,
    );
    const others = 'the others in another cell or round';
    expect(ran.value).toBe(`(True, {'Round.TooMany: not ${says.error} ${others}'})`);
    expect(ran.rounds).toEqual([most]);
    expect(ran.stderr).toBe(`[3 ${says.what} not ${says.told} ${others}]\n`);
    // Said once: the next cell has a round of its own.
    const next = await session.run(`all(map(ok, ${code(most)}))`);
    expect([next.value, next.rounds, next.stderr]).toEqual(['True', [most], '']);
  });

  test('take no room from other kinds, nor from the sub-calls beside them', async () => {
    const ran = await session.run(
      'from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as p:\n    a = p.submit(llm_query_batched, ["p"] * 200)\n    b = p.submit(rlm_query_batched, ["p"] * 101)\n    c = p.submit(ask_human, "p")\n[sum(map(ok, r)) for r in (a.result(), b.result(), [c.result()])]',
    );
    expect([ran.value, ran.rounds]).toEqual(['[200, 100, 1]', [301]]);
  });

  test('are made when they are tried again, in the next round', async () => {
    const ran = await session.run(
      'def until_asked():\n    tries = 1\n    while not ok(ask_human("p")): tries += 1\n    return tries\nr = at_once(until_asked, 45)\n[r.count(n) for n in (1, 2, 3)]',
    );
    expect([ran.value, ran.rounds]).toEqual(['[20, 20, 5]', [20, 20, 5]]);
    expect(ran.stderr).toMatch(/^\[30 questions to a person not asked: /);
  });

  test('end with the first delivery to their round, also when it brings a part of it', async () => {
    const partly = new Session(repl, store, 'partly');
    const { input, waiting } = await partly.wait(
      'import asyncio\nts = [asyncio.create_task(rlm_query_async("p")) for _ in range(102)]\ndone, _ = await asyncio.wait(ts, return_when=asyncio.FIRST_COMPLETED)\nearly = sum(not ok(t.result()) for t in done)\nrs = await asyncio.gather(*ts)\nprint(early, len(done), sum(map(ok, rs)))',
    );
    const { calls } = await partly.round(waiting);
    const next = await partly.deliver(input, waiting, calls.slice(0, 90));
    if (next.kind !== 'waiting') throw new Error(JSON.stringify(next));
    expect(next.callCount).toBe(0);
    const end = await partly.deliver(input, next, calls.slice(90));
    if (end.kind !== 'finished') throw new Error(JSON.stringify(end));
    expect((await partly.read(end)).stdout).toBe('2 92 100\n');
  });

  test('that were given up before the round do not count', async () => {
    const ran = await session.run(
      'ts = [asyncio.create_task(rlm_query_async("p")) for _ in range(150)]\nawait asyncio.sleep(0)\nfor t in ts[:60]: t.cancel()\nsum(map(ok, await asyncio.gather(*ts[60:])))',
    );
    expect([ran.value, ran.rounds, ran.stderr]).toEqual(['90', [90], '']);
  });

  test('leave the same heap whether the cell was parked or is replayed elsewhere', async () => {
    const code =
      'rs = rlm_query_batched([str(i) for i in range(130)])\nrs += at_once(ask_human, 25, "p")';
    const digests: string[] = [];
    for (const choose of [() => repl, (step: number) => (step % 2 === 0 ? repl : elsewhere)]) {
      const one = session.fork(repl, `replayed ${digests.length}`);
      const input = await one.input(code);
      let outcome = await repl.runStep(input);
      for (let step = 1; outcome.kind === 'waiting'; step++) {
        one.repl = choose(step);
        outcome = await one.resume(input, outcome);
      }
      if (outcome.kind !== 'finished') throw new Error(JSON.stringify(outcome));
      expect(outcome.rounds).toEqual([100, 20]);
      digests.push(outcome.image.heapDigest);
    }
    expect(digests[1]).toBe(digests[0]);
  });

  test('that a session lets through all the same, because it was tampered with, roll the cell back', async () => {
    const tampered = new Session(repl, store, 'tampered');
    const { reason, message } = await tampered.rolledBack(
      'desk = next(c.cell_contents for c in rlm_query.__closure__ if hasattr(c.cell_contents, "take"))\nlimits = desk.take.__globals__["round_limits"]\nlimits.LIMITS.clear()\nrlm_query_batched(["p"] * 101)',
    );
    expect([reason, message]).toEqual([
      'limit',
      'The cell was rolled back, all variables are as before it: it started 101 sub-runs at once, at most 100 are allowed. Write it without such deep recursion or so much at once.',
    ]);
  });
});
