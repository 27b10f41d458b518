import type { Digest } from '../protocol/index.ts';

/** A document that a source names, before it is read. */
export interface Item {
  /** Place in `input_data`. */
  path: string[];
  /** File name, for its format and for messages. */
  name: string;
  /** One of many: when it cannot be read it is reported and the others are used. */
  batch: boolean;
  /** Digest of its bytes when they are in the store already. */
  digest: Digest | null;
  load: () => Promise<Buffer<ArrayBuffer>>;
}

/** What a source gives: documents, what is wrong with one of many, and what was left out. */
export type Found =
  | { kind: 'item'; item: Item }
  | { kind: 'problem'; path: string[]; name: string; phrase: string }
  | { kind: 'note'; note: string };
