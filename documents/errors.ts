/** A document cannot be read as asked; the message is one sentence that names it. The caller's mistake: not retryable. */
export class InvalidDocument extends Error {
  override readonly name = 'InvalidDocument';
}

/** Where a document is cannot be reached now. The message is one sentence that names it. Retryable. */
export class SourceUnavailable extends Error {
  override readonly name = 'SourceUnavailable';
}

/** Why some bytes are no document: what follows the document's name in a sentence, `is a damaged PDF (…)`. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
}
