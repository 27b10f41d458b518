import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CellOutcome } from '../../protocol/index.ts';
import { AnswerMissing, type Repl } from '../../repl/index.ts';
import { putJson } from '../../store/index.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

const store = memoryStore();
let here: Repl;
/** Another worker: it shares nothing with `here` but the store. */
let elsewhere: Repl;

beforeAll(async () => {
  [here, elsewhere] = await Promise.all([openTestRepl(store), openTestRepl(store)]);
});
afterAll(async () => {
  await Promise.all([here.dispose(), elsewhere.dispose()]);
});

const PIPELINE = `
from concurrent.futures import ThreadPoolExecutor
import random, time, os, uuid
print("begun")
def both(i):
    time.sleep(0.1)
    return llm_query("verify " + llm_query(f"draft {i}")) + str(random.random())
with ThreadPoolExecutor() as p: out = list(p.map(both, range(4)))
stamp = (time.time(), os.urandom(4), uuid.uuid4(), [object() for _ in range(3)])
open("/tmp/notes.txt", "w").write(str(out))
print("ended")
out[0]`;

/** Runs the cell with a fixed pattern of deliveries, each step on the REPL that `choose` names. */
async function play(
  session: Session,
  choose: (step: number) => Repl,
): Promise<{ outcome: CellOutcome; ways: string[] }> {
  const ways: string[] = [];
  session.repl = choose(0);
  const input = await session.input(PIPELINE);
  let outcome = await session.repl.runStep(input);
  const open = [];
  for (let step = 1; outcome.kind === 'waiting'; step++) {
    open.push(...(await session.round(outcome)).calls);
    // Two at a time, the newest first: no delivery is a whole round.
    const answered = open.splice(-2).toSorted((a, b) => a.number - b.number);
    session.repl = choose(step);
    outcome = await session.deliver(input, outcome, answered, { afterMs: step * 100 });
    ways.push(outcome.way);
  }
  return { outcome, ways };
}

describe('a waiting cell', () => {
  test('ends at the same heap, output and journal whether its kernel was parked or it was replayed at every step', async () => {
    const parked = await play(new Session(here, store, 'parked'), () => here);
    const replayed = await play(new Session(here, store, 'replayed'), (step) =>
      step % 2 === 0 ? here : elsewhere,
    );
    expect(new Set(parked.ways)).toEqual(new Set(['parked']));
    expect(new Set(replayed.ways)).toEqual(new Set(['replayed']));
    if (parked.outcome.kind !== 'finished' || replayed.outcome.kind !== 'finished') {
      throw new Error(`${JSON.stringify(parked.outcome)} ${JSON.stringify(replayed.outcome)}`);
    }
    const { image, stdout, value, rounds, calls, journal } = parked.outcome;
    expect(replayed.outcome).toMatchObject({ stdout, value, rounds, calls, journal });
    expect(replayed.outcome.image.heapDigest).toBe(image.heapDigest);
    expect(calls).toBe(8);
  });

  test('its kernel is taken by one attempt only; the other replays to the same outcome', async () => {
    const session = new Session(here, store, 'twice');
    const { input, waiting } = await session.wait('r = llm_query("q")\nr');
    const [call] = (await session.round(waiting)).calls;
    if (call === undefined) throw new Error('no call');
    await session.record(input, 1, call.request, 'the answer');
    const next = {
      ...input,
      journal: waiting.journal,
      delivery: {
        clockMs: input.clockMs + 1,
        recorded: [[1, 1] as [number, number]],
        failed: [],
        subRuns: [],
      },
    };
    const [one, two] = await Promise.all([here.runStep(next), here.runStep(next)]);
    expect([one.way, two.way].toSorted()).toEqual(['parked', 'replayed']);
    if (one.kind !== 'finished' || two.kind !== 'finished') throw new Error('not finished');
    expect(one.image.heapDigest).toBe(two.image.heapDigest);
    expect(one.value?.text).toBe("'the answer'");
  });

  test('a journal that does not match its code is a divergence: rolled back, nothing guessed', async () => {
    const session = new Session(here, store, 'divergence');
    const { input, waiting } = await session.wait('llm_query("real")');
    const link = await session.round(waiting);
    const forged = await putJson(store, {
      ...link,
      calls: link.calls.map((call) => ({ ...call, request: `sha256:${'0'.repeat(64)}` })),
    });
    await session.record(input, 1, `sha256:${'0'.repeat(64)}`, 'other');
    const outcome = await here.runStep({
      ...input,
      journal: forged.digest,
      delivery: { clockMs: input.clockMs, recorded: [[1, 1]], failed: [], subRuns: [] },
    });
    expect(outcome).toMatchObject({
      kind: 'rolledBack',
      reason: 'divergence',
      message:
        'The cell was rolled back, all variables are as before it: when replayed, it did not make the calls that are recorded. It is run afresh.',
    });
  });

  test('an answer without a record is an error that names it, and a later attempt finds it', async () => {
    const session = new Session(here, store, 'missing');
    const { input, waiting } = await session.wait('llm_query("q")');
    const [call] = (await session.round(waiting)).calls;
    const next = {
      ...input,
      journal: waiting.journal,
      delivery: {
        clockMs: input.clockMs,
        recorded: [[1, 1] as [number, number]],
        failed: [],
        subRuns: [],
      },
    };
    const record = `answer/missing/1.1/1/1/${call?.request}`;
    await expect(here.runStep(next)).rejects.toThrow(
      new AnswerMissing(`no record ${record} in ${store.describe()}`),
    );
    await session.record(input, 1, call?.request ?? '', 'found');
    expect(await here.runStep(next)).toMatchObject({
      kind: 'finished',
      way: 'replayed',
      value: { text: "'found'" },
    });
  });

  test('failed calls and sub-runs replay from the journal alone', async () => {
    const session = new Session(here, store, 'mixed');
    const { input, waiting } = await session.wait(
      'from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as p:\n    a, b = p.submit(llm_query, "a"), p.submit(rlm_query, "b")\nc = llm_query("c")\n(a.result().error, b.result(), c)',
    );
    const text = await store.blobs.put(Buffer.from('sub answer'));
    const usage = {
      inputTokens: 1,
      cachedInputTokens: 0,
      outputTokens: 2,
      costUsd: 0.5,
      estimated: false,
    };
    const second = await here.runStep({
      ...input,
      journal: waiting.journal,
      delivery: {
        clockMs: input.clockMs + 9,
        recorded: [],
        failed: [{ calls: [[1, 1]], type: 'Budget.Exhausted', message: 'no money' }],
        subRuns: [{ call: 2, text: text.digest, model: 'sub', usage }],
      },
    });
    if (second.kind !== 'waiting') throw new Error('expected another round');
    session.repl = elsewhere;
    const end = await session.resume(input, second);
    expect(end).toMatchObject({
      kind: 'finished',
      way: 'replayed',
      value: { text: "('Budget.Exhausted: no money', 'sub answer', 're c')" },
    });
  });
});
