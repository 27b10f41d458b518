import { z } from 'zod';
import { Digest } from '../protocol/index.ts';
import { RecordCorrupted } from './errors.ts';

const RecordFile = z.object({ key: z.string(), digest: Digest });

/** How a record lies in a file or object: its key is repeated, since its name is only a hash of it. */
export function encodeRecord(key: string, digest: Digest): Buffer {
  return Buffer.from(`${JSON.stringify({ key, digest })}\n`);
}

/** The digest that a record's file holds. Throws RecordCorrupted. */
export function parseRecord(text: string, key: string, store: string): Digest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RecordCorrupted(key, store, 'it is not JSON');
  }
  const record = RecordFile.safeParse(value);
  if (!record.success) throw new RecordCorrupted(key, store, 'it holds no key and digest');
  if (record.data.key !== key) {
    throw new RecordCorrupted(key, store, `it holds the key ${JSON.stringify(record.data.key)}`);
  }
  return record.data.digest;
}
