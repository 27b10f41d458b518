/** A document cannot be read as asked; the message is one sentence that names it. The caller's mistake: not retryable. */
export class InvalidDocument extends Error {
  override readonly name = 'InvalidDocument';
}
