import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, test } from '@jest/globals';
import { openStore } from '../../store/index.ts';
import { scratchDirectories } from './scratch-directory.ts';

const scratch = scratchDirectories();

function writer(...values: string[]): ChildProcess {
  const script = join(import.meta.dirname, 'crash-writer.ts');
  return spawn(process.execPath, [script, ...values], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** The lines that a writer prints; it is killed when `enough` says so. */
async function linesUntil(
  child: ChildProcess,
  enough: (lines: string[]) => boolean,
): Promise<string[]> {
  const lines: string[] = [];
  const exit = once(child, 'exit');
  if (child.stdout === null) throw new Error('the writer has no stdout');
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (enough(lines)) child.kill('SIGKILL');
  }
  await exit;
  return lines;
}

async function storedDigests(root: string): Promise<string[]> {
  const folder = join(root, 'blobs');
  const shards = await readdir(folder);
  const names = await Promise.all(
    shards.map(async (shard) =>
      (await readdir(join(folder, shard))).map((rest) => `sha256:${shard}${rest}`),
    ),
  );
  return names.flat();
}

describe('a writer killed by SIGKILL', () => {
  test('leaves every confirmed blob and record, and nothing that is half-written', async () => {
    const root = await scratch();
    const confirmed: string[] = [];
    for (const count of [1, 8, 15]) {
      const child = writer(root, 'many', `writer-${count}`);
      confirmed.push(...(await linesUntil(child, (lines) => lines.length >= count)));
      expect(child.signalCode).toBe('SIGKILL');
    }
    const store = await openStore(root);
    for (const line of confirmed) {
      const [kind, first = '', second] = line.split(' ');
      if (kind === 'blob') expect(await store.blobs.get(first)).toHaveLength(300_000);
      else expect(await store.records.find(first)).toBe(second);
    }
    const stored = await storedDigests(root);
    expect(stored.length).toBeGreaterThanOrEqual(1 + 4 + 8);
    for (const digest of stored) expect(await store.blobs.get(digest)).toHaveLength(300_000);
  });

  test('in the middle of a large blob leaves no such blob, and the next writer goes on', async () => {
    const root = await scratch();
    const folder = join(root, 'scratch');
    await openStore(root);
    const child = writer(root, 'large');
    const watcher = watch(folder, () => child.kill('SIGKILL'));
    const [digest = '', ...later] = await linesUntil(child, () => false);
    watcher.close();
    expect(later).toEqual([]);
    expect(await readdir(folder)).toHaveLength(1);
    const store = await openStore(root);
    expect(await store.blobs.has(digest)).toBe(false);
    const ref = await store.blobs.put(Buffer.from('hello'));
    expect((await store.blobs.get(ref.digest)).toString()).toBe('hello');
  });
});

describe('several processes on one directory', () => {
  test('agree on the writer of each record', async () => {
    const root = await scratch();
    const children = ['a', 'b', 'c'].map((name) => writer(root, 'race', name));
    const told = await Promise.all(children.map((child) => linesUntil(child, () => false)));
    expect(told[0]).toHaveLength(50);
    expect(told[1]).toEqual(told[0]);
    expect(told[2]).toEqual(told[0]);
    const store = await openStore(root);
    for (const line of told[0] ?? []) {
      const [key = '', digest] = line.split(' ');
      expect(await store.records.find(key)).toBe(digest);
    }
  });
});
