import { parentPort } from 'node:worker_threads';
import { z } from 'zod';
import { Unreadable } from './errors.ts';
import { type Leaf } from './formats/converted.ts';
import { readDocument } from './formats/read-document.ts';
import { measured } from './measure-leaf.ts';

// The body of the thread that reads documents, one after the other: what a hostile or huge one does, it does here.
const Request = z.object({ name: z.string(), bytes: z.instanceof(Uint8Array) });

parentPort?.on('message', (message: unknown) => {
  const { name, bytes } = Request.parse(message);
  void read(name, bytes);
});

async function read(name: string, bytes: Uint8Array): Promise<void> {
  try {
    const { leaves, notes } = await readDocument(name, bytes, (page, pages) => {
      if (page % 10 === 1) parentPort?.postMessage({ kind: 'page', page, pages }, []);
    });
    const texts = leaves.flatMap((leaf) => measured(leaf));
    for (const text of texts) text.unchanged = isWhole(text.leaf.bytes, bytes);
    const buffers = new Set(texts.map(({ leaf }) => own(leaf)));
    parentPort?.postMessage({ kind: 'read', texts, notes }, [...buffers]);
  } catch (error) {
    // Anything else is a fault of the library that read it: a document that no reader stands is one that cannot be read.
    const phrase =
      error instanceof Unreadable
        ? error.message
        : `cannot be read (${error instanceof Error ? error.message : String(error)})`;
    parentPort?.postMessage({ kind: 'unreadable', phrase }, []);
  }
}

/** Whether a view is of the same memory, from its beginning to its end. */
function isWhole(view: Uint8Array, bytes: Uint8Array): boolean {
  return (
    view.buffer === bytes.buffer &&
    view.byteOffset === bytes.byteOffset &&
    view.byteLength === bytes.byteLength
  );
}

/** Memory that can be moved out of this thread; small buffers share theirs with others. */
function own(leaf: Leaf): ArrayBuffer {
  const { bytes } = leaf;
  if (bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength > 2 * Buffer.poolSize) {
    return bytes.buffer;
  }
  const copy = new Uint8Array(bytes);
  leaf.bytes = copy;
  return copy.buffer;
}
