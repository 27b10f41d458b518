import type { HeapImageRef } from '../protocol/index.ts';
import { loadCode, loadEdits } from './cell-texts.ts';
import { ImageIncompatible } from './errors.ts';
import { MAX_ROUND } from './host/frames.ts';
import { readImageChain } from './image-chain.ts';
import { loadAnswers, readJournal } from './journal.ts';
import { LeasedKernel } from './leased-kernel.ts';
import type { RecordedStep } from './recorded-steps.ts';
import type { StepContext } from './step-context.ts';

/** A step that is executed again is kept by no host. */
export type RebuildContext = Omit<StepContext, 'room'>;

/**
 * Executes a finished step again, with the answers that it was given, and stores the image that it leaves. The image
 * restores the same heap, to the byte; it may be another blob. Throws ImageIncompatible when the heap is another one.
 */
export async function rebuildStep(
  context: RebuildContext,
  { input, image }: RecordedStep,
): Promise<HeapImageRef> {
  const { store, host, base, runtime, signal } = context;
  const { cell } = input.key;
  if (input.runtime !== runtime) {
    throw new ImageIncompatible(
      `cell ${cell} belongs to runtime ${input.runtime}; this one is ${runtime}`,
    );
  }
  const from = input.image ?? base;
  const chain = await readImageChain(store, from, base, runtime);
  const links = input.journal === null ? [] : await readJournal(store, input.journal);
  signal.throwIfAborted();
  const kernel = await LeasedKernel.open(host, chain, from.heapDigest);
  const abort = (): void => void kernel.destroy();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const { edits, texts } = await loadEdits(store, input.edits);
    const { clockMs, seed, limits } = input;
    const body = {
      cell,
      code: await loadCode(store, input.code),
      edits,
      pendingCalls: Math.min(limits.pendingCalls, MAX_ROUND),
      outputBytes: limits.outputBytes,
      randomSeed: seed,
    };
    let { report } = await kernel.start({ clockMs, seed, limits, body }, texts);
    for (const link of links) {
      if (link.kind !== 'delivery') continue;
      const { answers, texts: told } = await loadAnswers(store, link.answers);
      ({ report } = await kernel.deliver({ limits, clockMs: link.clockMs, answers }, told));
    }
    signal.throwIfAborted();
    if (report.kind !== 'finished') {
      throw new ImageIncompatible(`executed again, cell ${cell} did not finish (${report.kind})`);
    }
    const { heapDigest, heapBytes, blob } = await kernel.image();
    if (heapDigest !== image.heapDigest) {
      throw new ImageIncompatible(
        `executed again, cell ${cell} left the heap ${heapDigest} instead of ${image.heapDigest}`,
      );
    }
    const { digest, sizeBytes } = await store.blobs.put(blob);
    return { blob: digest, heapDigest, storedBytes: sizeBytes, heapBytes };
  } finally {
    signal.removeEventListener('abort', abort);
    await kernel.destroy();
  }
}
