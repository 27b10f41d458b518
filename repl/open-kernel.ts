import type { HeapImageRef } from '../protocol/index.ts';
import { ImageIncompatible, KernelCrashed } from './errors.ts';
import { KernelFault } from './host/kernel-fault.ts';
import { readImageChain } from './image-chain.ts';
import { LeasedKernel } from './leased-kernel.ts';
import type { StepContext } from './step-context.ts';

/** A kernel restored to an image. Throws ImageIncompatible for an image of another runtime or one that is damaged, and KernelCrashed where another attempt may succeed. */
export async function openKernel(
  { store, host, base, runtime, signal }: StepContext,
  image: HeapImageRef,
): Promise<LeasedKernel> {
  const chain = await readImageChain(store, image, base, runtime);
  signal.throwIfAborted();
  try {
    return await LeasedKernel.open(host, chain, image.heapDigest);
  } catch (error) {
    if (!(error instanceof KernelFault)) throw error;
    // Not the cell's doing.
    const message = `image ${image.blob} could not be restored: ${error.message}`;
    throw error.kind === 'image' ? new ImageIncompatible(message) : new KernelCrashed(message);
  }
}
