import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CellOutcome, FinishedCell, HeapImageRef } from '../../protocol/index.ts';
import {
  ImageIncompatible,
  type RecordedStep,
  type Repl,
  takeOverImage,
} from '../../repl/index.ts';
import { BlobCorrupted, BlobMissing, putText, type Store } from '../../store/index.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

// Scope: heap images whose blobs are lost, rebuilt by executing the steps that made them, in real kernels.

/** Cells of a session with everything that a step depends on: input, randomness, time, answers, files, large texts. */
const CELLS = [
  'import random, time, os\nwords = text.split(); picked = random.sample(range(10**6), 200); stamp = time.time()',
  'big = "durable " * 20000',
  'answers = llm_query_batched([f"say {w}" for w in words[:5]])',
  'open("notes.txt", "w").write("\\n".join(answers)); token = os.urandom(8).hex()',
  'first = llm_query(answers[0]); second = llm_query(first)',
  'for n in range(300): picked.append(n * random.random())',
  'def total(): return sum(picked) + len(big)',
  'history_of = [total(), first, second, open("notes.txt").read(), token]; del big',
  'done = [str(x) for x in history_of]',
];

interface Run {
  store: Store;
  steps: RecordedStep[];
  images: HeapImageRef[];
  text: string;
}

let writer: Repl;
let reader: Repl;
let store: Store;
let run: Run;

/** Plays a run and notes its steps, as the history does. */
async function play(repl: Repl): Promise<Run> {
  const session = new Session(repl, store, 'rebuilt');
  const steps: RecordedStep[] = [];
  const text = await putText(store, 'one two three four five six '.repeat(3000));
  for (const code of CELLS) {
    const edits =
      steps.length > 0
        ? []
        : [{ kind: 'set' as const, variable: 'text', format: 'text' as const, blob: text.digest }];
    const input = await session.input(code, { edits });
    let outcome: CellOutcome = await repl.runStep(input);
    while (outcome.kind === 'waiting') outcome = await session.resume(input, outcome);
    const finished = asFinished(outcome);
    const { delivery: _, ...step } = input;
    steps.push({ input: { ...step, journal: finished.journal }, image: finished.image });
    session.image = finished.image;
  }
  return { store, steps, images: steps.map(({ image }) => image), text: text.digest };
}

function asFinished(outcome: CellOutcome): FinishedCell {
  if (outcome.kind === 'finished' && outcome.error === null) return outcome;
  throw new Error(JSON.stringify(outcome));
}

async function lose(...digests: string[]): Promise<void> {
  for (const digest of digests) await store.upkeep.discard(digest, Infinity);
}

/** The heap digest that one more cell leaves, restored from an image on another host. */
async function goOn(image: HeapImageRef): Promise<string> {
  const session = new Session(reader, store, `on ${image.heapDigest} ${Math.random()}`);
  session.image = image;
  return (await session.run('more = 1', { clockMs: Date.UTC(2030, 0, 1) })).image.heapDigest;
}

beforeAll(async () => {
  store = memoryStore();
  [writer, reader] = await Promise.all([openTestRepl(store), openTestRepl(store)]);
  run = await play(writer);
});
afterAll(async () => {
  await Promise.all([writer.dispose(), reader.dispose()]);
});

describe('lost images', () => {
  test('one in the middle: the images after it restore to the same heap', async () => {
    const last = run.images.at(-1) ?? raise();
    const expected = await goOn(last);
    await lose(run.images[3]?.blob ?? '');
    const rebuilder = await reader.rebuilder(run.steps);
    for (const image of run.images) await rebuilder.ensure(image);
    expect(rebuilder.rebuilt.every((cell) => cell === '1.4')).toBe(true);
    expect(await goOn(last)).toBe(expected);
  });

  test('all of them: rebuilt from the base image, each to its recorded heap', async () => {
    const last = run.images.at(-1) ?? raise();
    const expected = await goOn(last);
    await lose(...run.images.map(({ blob }) => blob));
    await expect(goOn(last)).rejects.toThrow(BlobMissing);
    const rebuilder = await reader.rebuilder(run.steps);
    await rebuilder.ensure(last);
    expect(rebuilder.rebuilt).toHaveLength(9);
    expect(await goOn(last)).toBe(expected);
    // A fork takes over what restores it.
    await takeOverImage(store, last.blob);
    for (const image of run.images) await rebuilder.ensure(image);
    expect(rebuilder.rebuilt).toHaveLength(9);
  });

  test('and lost once more after they were rebuilt', async () => {
    const last = run.images.at(-1) ?? raise();
    const expected = await goOn(last);
    for await (const { digest } of store.upkeep.blobs()) {
      const blob = await store.blobs.get(digest);
      if (blob.subarray(0, 7).toString() === 'RLMHEAP' && digest !== reader.base.blob) {
        await lose(digest);
      }
    }
    await (await reader.rebuilder(run.steps)).ensure(last);
    expect(await goOn(last)).toBe(expected);
  });

  test('whose step no longer leads to the recorded heap are refused: nothing is guessed', async () => {
    const at = run.steps.at(-1) ?? raise();
    const forged = { ...at, image: { ...at.image, heapDigest: `sha256:${'0'.repeat(64)}` } };
    await lose(at.image.blob);
    const rebuilder = await reader.rebuilder([...run.steps.slice(0, -1), forged]);
    await expect(rebuilder.ensure(forged.image)).rejects.toThrow(
      /^blob sha256:\w+ is not in memory store \d+, and it cannot be rebuilt: executed again, cell 1.9 left the heap sha256:\w+ instead of sha256:0{64}$/,
    );
    await (await reader.rebuilder(run.steps)).ensure(at.image);
  });

  test('that no step made are told by name', async () => {
    const last = run.images.at(-1) ?? raise();
    await lose(last.blob);
    await expect((await reader.rebuilder([])).ensure(last)).rejects.toThrow(
      `blob ${last.blob} is not in ${store.describe()}, and it cannot be rebuilt: no recorded step made it`,
    );
    await (await reader.rebuilder(run.steps)).ensure(last);
  });
});

describe('an image that is not what its ref says', () => {
  test('is refused for good, not retried: another heap', async () => {
    const [one, other] = [run.images[0] ?? raise(), run.images[1] ?? raise()];
    await (await reader.rebuilder(run.steps)).ensure(other);
    const wrong = { ...one, blob: other.blob };
    await expect(goOn(wrong)).rejects.toThrow(ImageIncompatible);
    await expect(goOn(wrong)).rejects.toThrow(/the restored heap is .*, the image says/);
  });

  test('is refused for good: no image at all', async () => {
    const image = { ...(run.images[0] ?? raise()), blob: run.text };
    await expect(goOn(image)).rejects.toThrow(
      `image ${run.text} cannot be read: it is no heap image`,
    );
  });

  test('and damaged bytes are rebuilt like missing ones', async () => {
    const last = run.images.at(-1) ?? raise();
    const expected = await goOn(last);
    const damaged = new Set([last.blob]);
    const broken: Store = {
      ...store,
      blobs: {
        ...store.blobs,
        get: async (digest) => {
          if (damaged.has(digest)) throw new BlobCorrupted(digest, 'broken', 'it is half');
          return store.blobs.get(digest);
        },
        put: async (bytes) => {
          const ref = await store.blobs.put(bytes);
          damaged.delete(ref.digest);
          return ref;
        },
      },
    };
    const repl = await openTestRepl(broken);
    try {
      const failing = new Session(repl, broken, 'damaged');
      failing.image = last;
      await expect(failing.run('1')).rejects.toThrow(`blob ${last.blob} in broken is corrupted`);
      await (await repl.rebuilder(run.steps)).ensure(last);
      const session = new Session(repl, broken, 'mended');
      session.image = last;
      const ran = await session.run('more = 1', { clockMs: Date.UTC(2030, 0, 1) });
      expect(ran.image.heapDigest).toBe(expected);
    } finally {
      await repl.dispose();
    }
  });
});

describe('lost images, at last', () => {
  test('whose input is lost as well are told by the input', async () => {
    const last = run.images.at(-1) ?? raise();
    await lose(run.text, ...run.images.map(({ blob }) => blob));
    const ensured = (await reader.rebuilder(run.steps)).ensure(last);
    const failure: unknown = await ensured.catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BlobMissing);
    expect(failure).toMatchObject({
      message: expect.stringContaining(
        `and it cannot be rebuilt: blob ${run.text} is not in ${store.describe()}`,
      ),
    });
  });
});

function raise(): never {
  throw new Error('there is no such image');
}
