/** The kernel's host died, or the kernel could not be brought to its image by our own fault. No state is lost; the step may run again. */
export class KernelCrashed extends Error {
  override readonly name = 'KernelCrashed';
}

/** The image belongs to another runtime, or cannot be read. Not retryable here; the message names both runtimes. */
export class ImageIncompatible extends Error {
  override readonly name = 'ImageIncompatible';
}
