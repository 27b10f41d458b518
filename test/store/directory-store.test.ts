import {
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  BlobCorrupted,
  digestOf,
  openStore,
  RecordCorrupted,
  StoreUnavailable,
} from '../../store/index.ts';
import { runStoreTests, runUpkeepTests } from './blob-store.conformance.ts';
import { scratchDirectories } from './scratch-directory.ts';

const scratch = scratchDirectories();
const HELLO = digestOf(Buffer.from('hello'));

runStoreTests('a directory store', async () => openStore(await scratch()));
runUpkeepTests('a directory store', async () => openStore(await scratch()));

function blobPath(root: string, digest: string): string {
  return join(root, 'blobs', digest.slice(7, 9), digest.slice(9));
}

async function filesUnder(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

async function flip(path: string, at: number, to: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = to;
  await writeFile(path, bytes);
}

describe('a directory store on disk', () => {
  test('gives another process what one has stored', async () => {
    const root = await scratch();
    const first = await openStore(root);
    await first.blobs.put(Buffer.from('hello'));
    await first.records.create('key', HELLO);
    const second = await openStore(`file://${root}`);
    expect((await second.blobs.get(HELLO)).toString()).toBe('hello');
    expect(await second.records.find('key')).toBe(HELLO);
    expect(second.describe()).toBe(`directory ${root}`);
  });

  test('keeps one file a blob and a record, and leaves no scratch file', async () => {
    const root = await scratch();
    const store = await openStore(root);
    await Promise.all(Array.from({ length: 8 }, () => store.blobs.put(Buffer.from('hello'))));
    await Promise.all(Array.from({ length: 8 }, () => store.records.create('key', HELLO)));
    expect(await filesUnder(join(root, 'blobs'))).toEqual([HELLO.slice(9)]);
    expect(await filesUnder(join(root, 'records'))).toHaveLength(1);
    expect(await filesUnder(join(root, 'scratch'))).toEqual([]);
  });

  test('compresses what gets smaller and nothing else', async () => {
    const root = await scratch();
    const store = await openStore(root);
    const text = await store.blobs.put(Buffer.alloc(1_000_000, 'durable '));
    const short = await store.blobs.put(Buffer.from('hello'));
    expect((await stat(blobPath(root, text.digest))).size).toBeLessThan(1000);
    expect((await stat(blobPath(root, short.digest))).size).toBe(24 + 5);
  });

  test('refreshes the age of a blob that is put again', async () => {
    const root = await scratch();
    const store = await openStore(root);
    await store.blobs.put(Buffer.from('hello'));
    await utimes(blobPath(root, HELLO), new Date(0), new Date(0));
    const before = Date.now();
    await store.blobs.put(Buffer.from('hello'));
    expect((await stat(blobPath(root, HELLO))).mtimeMs).toBeGreaterThanOrEqual(before - 1000);
  });

  test('sweeps scratch files of an hour ago, and leaves those being written', async () => {
    const root = await scratch();
    await openStore(root);
    const old = new Date(Date.now() - 3_700_000);
    await writeFile(join(root, 'scratch', 'dead'), 'half');
    await utimes(join(root, 'scratch', 'dead'), old, old);
    await writeFile(join(root, 'scratch', 'alive'), 'half');
    await openStore(root);
    expect(await readdir(join(root, 'scratch'))).toEqual(['alive']);
  });
});

describe('a blob that a killed collection has left in the trash', () => {
  async function inTrash(): Promise<{ root: string; trash: string }> {
    const root = await scratch();
    const store = await openStore(root);
    await store.blobs.put(Buffer.from('hello'));
    const trash = join(root, 'trash', HELLO.slice(7));
    await rename(blobPath(root, HELLO), trash);
    return { root, trash };
  }

  test('is still read', async () => {
    const { root } = await inTrash();
    const store = await openStore(root);
    expect(await store.blobs.has(HELLO)).toBe(true);
    expect((await store.blobs.get(HELLO)).toString()).toBe('hello');
  });

  test('comes back when it is touched', async () => {
    const { root, trash } = await inTrash();
    const store = await openStore(root);
    await store.blobs.touch(HELLO);
    await rm(trash);
    expect((await store.blobs.get(HELLO)).toString()).toBe('hello');
  });

  test.each([
    ['live', true, 0],
    ['young', false, 0],
    ['old and dead', false, Infinity],
  ])('is settled by the next one: %s', async (_, isLive, sinceMs) => {
    const { root } = await inTrash();
    const store = await openStore(root);
    const settled = await store.upkeep.settleTrash(() => isLive, sinceMs);
    const stays = isLive || sinceMs === 0;
    expect(settled).toMatchObject({ restored: stays ? 1 : 0, freed: stays ? 0 : 1 });
    expect(await readdir(join(root, 'trash'))).toEqual([]);
    expect(await store.blobs.has(HELLO)).toBe(stays);
  });
});

describe('a damaged file', () => {
  const text = Buffer.alloc(5000, 'durable ');
  const digest = digestOf(text);

  async function damaged(damage: (path: string) => Promise<void>): Promise<{ root: string }> {
    const root = await scratch();
    const store = await openStore(root);
    await store.blobs.put(text);
    await damage(blobPath(root, digest));
    return { root };
  }

  test.each<[string, (path: string) => Promise<void>, string]>([
    ['is empty', (path) => truncate(path, 0), 'expected a header of 24 bytes, got 0'],
    ['lacks its end', (path) => truncate(path, 30), 'expected a payload of 40 bytes, got 6'],
    ['is a stranger', (path) => flip(path, 0, 0x58), 'expected the magic RLMB, got "XLMB"'],
    ['comes from a later release', (path) => flip(path, 4, 9), 'expected format version 1, got 9'],
    ['holds more than it says', (path) => flip(path, 9, 1), 'its zstd frame does not decode'],
  ])('that %s is refused by name', async (_, damage, found) => {
    const { root } = await damaged(damage);
    const store = await openStore(root);
    const failure: unknown = await store.blobs.get(digest).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BlobCorrupted);
    const message = failure instanceof Error ? failure.message : '';
    expect(message.replaceAll(/payload of \d+/g, 'payload of 40')).toContain(
      `blob ${digest} in directory ${root} is corrupted: ${found}`,
    );
    expect(failure).toMatchObject({ digest, store: `directory ${root}` });
  });

  test('that holds other bytes in good form is refused with both digests', async () => {
    const root = await scratch();
    const store = await openStore(root);
    await store.blobs.put(Buffer.from('hello'));
    await store.blobs.put(Buffer.from('jello'));
    await writeFile(
      blobPath(root, HELLO),
      await readFile(blobPath(root, digestOf(Buffer.from('jello')))),
    );
    await expect(store.blobs.get(HELLO)).rejects.toThrow(
      `blob ${HELLO} in directory ${root} is corrupted: its bytes have the digest ${digestOf(Buffer.from('jello'))}`,
    );
  });

  test('is replaced when the right bytes are put again', async () => {
    const { root } = await damaged((path) => truncate(path, 10));
    const store = await openStore(root);
    await store.blobs.put(text);
    expect((await store.blobs.get(digest)).equals(text)).toBe(true);
  });

  test.each([
    ['is not JSON', 'half a rec', 'it is not JSON'],
    ['holds no digest', '{"key":"key"}', 'it holds no key and digest'],
    ['belongs to another key', `{"key":"other","digest":"${HELLO}"}`, 'it holds the key "other"'],
  ])('of a record that %s is refused by name', async (_, content, found) => {
    const root = await scratch();
    const store = await openStore(root);
    await store.records.create('key', HELLO);
    const [name] = await filesUnder(join(root, 'records'));
    const folder = digestOf(Buffer.from('key')).slice(7, 9);
    await writeFile(join(root, 'records', folder, name ?? ''), content);
    const failure: unknown = await store.records.find('key').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RecordCorrupted);
    expect(failure).toMatchObject({
      message: `record key in directory ${root} is corrupted: ${found}`,
    });
  });
});

describe('a location that cannot hold a store', () => {
  test('a path through a file: one sentence', async () => {
    const root = await scratch();
    await writeFile(join(root, 'file'), '');
    const failure: unknown = await openStore(join(root, 'file', 'store')).catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(StoreUnavailable);
    expect(failure).toMatchObject({
      message: `directory ${root}/file/store cannot be made: part of its path is a file`,
      code: 'ENOTDIR',
    });
  });

  test('a directory deleted under a running process: one sentence, nothing half-written', async () => {
    const root = await scratch();
    const store = await openStore(root);
    await rm(root, { recursive: true });
    await expect(store.blobs.put(Buffer.from('hello'))).rejects.toThrow(
      `directory ${root} has gone: it was moved or deleted while in use`,
    );
    await mkdir(root);
    expect(await readdir(root)).toEqual([]);
  });

  test.each([
    [
      'https://example.com',
      '"https:" is not supported, give a directory, a file: URL or s3://bucket/prefix',
    ],
    ['file://host/share', 'a file: URL must look like file:///var/lib/rlm'],
  ])('%s is refused in one sentence', async (location, why) => {
    await expect(openStore(location)).rejects.toThrow(`cannot open a store at ${location}: ${why}`);
  });

  test('an empty location is refused in one sentence', async () => {
    await expect(openStore(' ')).rejects.toThrow(
      'the location of the store is empty: give a directory or s3://bucket/prefix',
    );
  });
});
