import { expect, test } from '@jest/globals';
import { findDocument, storeDocument } from '../../documents/stored-document.ts';
import { type Digest, runOwner } from '../../protocol/index.ts';
import { digestOf, keeping, keptBy, memoryStore, type Store } from '../../store/index.ts';

// Scope: what a file was read as is found by all runs, and kept by each of them.

const FILE = digestOf(Buffer.from('a file'));
const TEXT = Buffer.from('what it says');

async function readOnce(store: Store): Promise<Digest> {
  const leaf = { path: [], format: 'text' as const, bytes: TEXT, metadata: {} };
  const text = { leaf, part: null, firstPage: 1, chars: TEXT.length, width: 1, widest: null };
  const read = { texts: [text], notes: [] };
  const file = { file: FILE, isStored: false };
  const { entries } = await storeDocument(store, 'a.pdf', file, read as never);
  return entries[0]?.blob.digest ?? '';
}

test('a document that another run has read is in the root of the run that finds it', async () => {
  const plain = memoryStore();
  const store = keeping(plain);
  const blob = await keptBy(runOwner('first'), () => readOnce(store));
  const found = await keptBy(runOwner('second'), () => findDocument(store, 'b.pdf', FILE));
  expect(found?.entries.map((entry) => entry.blob.digest)).toEqual([blob]);
  const root = await plain.roots.find(runOwner('second'));
  expect(JSON.stringify(root)).toContain(blob);
});

test('a document of which something was collected is read again', async () => {
  const store = memoryStore();
  const blob = await readOnce(store);
  await store.upkeep.discard(blob, Number.MAX_SAFE_INTEGER);
  expect(await findDocument(store, 'a.pdf', FILE)).toBeNull();
});
