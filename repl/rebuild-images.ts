import {
  type Digest,
  type HeapImageRef,
  rebuiltRecordKey,
  type RunCellInput,
} from '../protocol/index.ts';
import type { BlobCorrupted, BlobMissing, Store } from '../store/index.ts';
import { ImageIncompatible } from './errors.ts';
import { isLost } from './image-blob.ts';
import { readImageChain } from './image-chain.ts';
import { type RebuildContext, rebuildStep } from './rebuild-step.ts';
import type { RecordedStep } from './recorded-steps.ts';

/** Waits for the memory that a step takes, like any other step. */
type Admit = (input: RunCellInput) => Promise<{ signal: AbortSignal; release: () => void }>;

/**
 * Makes images restorable again whose blobs are missing or damaged, by executing the steps that made them, from the last
 * image before them that is whole; with no whole one, from the base image.
 */
export class ImageRebuilder {
  readonly #context: RebuildContext;
  readonly #admit: Admit;
  readonly #byBlob = new Map<Digest, RecordedStep>();
  /** Cells that were executed again. */
  readonly rebuilt: string[] = [];

  constructor(context: RebuildContext, steps: readonly RecordedStep[], admit: Admit) {
    this.#context = context;
    this.#admit = admit;
    for (const step of steps) this.#byBlob.set(step.image.blob, step);
  }

  /** Resolves when the image can be restored. Throws BlobMissing or BlobCorrupted, which say why it cannot be rebuilt either. */
  async ensure(image: HeapImageRef): Promise<void> {
    const { store, base, runtime } = this.#context;
    // Each time round another blob is whole again.
    const tried = new Set<Digest>();
    for (;;) {
      try {
        await readImageChain(store, image, base, runtime);
        return;
      } catch (error) {
        if (!isLost(error)) throw error;
        const step = this.#byBlob.get(error.digest);
        if (step === undefined) throw unable(error, 'no recorded step made it');
        if (tried.has(error.digest)) throw unable(error, 'it was lost again');
        tried.add(error.digest);
        await this.#rebuild(step, error);
      }
    }
  }

  async #run(step: RecordedStep): Promise<HeapImageRef> {
    const context = this.#context;
    const image = step.input.image ?? context.base;
    const { signal, release } = await this.#admit({ ...step.input, image, delivery: null });
    try {
      return await rebuildStep({ ...context, signal }, step);
    } finally {
      release();
    }
  }

  async #rebuild(step: RecordedStep, lost: BlobMissing | BlobCorrupted): Promise<void> {
    try {
      if (step.input.image !== null) await this.ensure(step.input.image);
      const made = await this.#run(step);
      this.rebuilt.push(step.input.key.cell);
      await replace(this.#context.store, step.image.blob, made.blob);
    } catch (error) {
      if (error instanceof ImageIncompatible || isLost(error)) throw unable(lost, error.message);
      throw error;
    }
  }
}

/** Says where the image is now, unless it is the same blob again. */
async function replace(store: Store, lost: Digest, made: Digest): Promise<void> {
  let at = lost;
  while (at !== made) {
    const winner = await store.records.create(rebuiltRecordKey(at), made);
    // An earlier rebuilt image was lost as well: this one is made in its place.
    if (winner === made) return;
    at = winner;
  }
}

function unable(lost: BlobMissing | BlobCorrupted, why: string): Error {
  return lost.because(`and it cannot be rebuilt: ${why}`);
}
