import { describe, expect, test } from '@jest/globals';
import { Converter } from '../../documents/converter.ts';
import { FileBytes } from '../../store/index.ts';
import { readFiles, refusal } from './read-files.ts';

// Scope: what reading documents may take: of the heap, of time and of the memory of its thread.

describe('the heap', () => {
  test('that inputs do not fit is told before a kernel is opened, with what to raise', async () => {
    const text = 'x'.repeat(50 * 2 ** 20);
    expect(await refusal(readFiles({ big: text, small: 'y' }, { heapMiB: 128 }))).toBe(
      'InvalidInput: The inputs take 51 MiB of the heap, which has 128 MiB, of which Python needs 96; the largest is big with 50 MiB. ' +
        'Raise limits.heapMiB (--heap-mib) to at least 256; it may have 4,096.',
    );
    expect((await readFiles({ big: text }, { heapMiB: 192 })).notes).toEqual([
      "the inputs take 50 MiB of the heap's 192 (limits.heapMiB; a heap may have 4 GiB, one object 2 GiB)",
    ]);
  });

  test('holds a wide text in its widest character, which is named with its place', async () => {
    const text = `${'x'.repeat(20_000_000)}\u{1F600}`;
    const { notes } = await readFiles(new FileBytes('emoji.txt', Buffer.from(text)));
    expect(notes).toEqual([
      'emoji.txt takes 81 MB of the heap: its widest character, U+1F600 at character 20,000,000, takes 4 bytes, and so does each beside it (one object may have 2 GiB, a heap 4 GiB)',
    ]);
  });

  test('gets a text of wide characters in parts below 256 MB', async () => {
    const paragraph = `${'日本語の契約書。'.repeat(1000)}\n\n`;
    const text = paragraph.repeat(17_000);
    const { entries, notes } = await readFiles({
      log: new FileBytes('log.txt', Buffer.from(text)),
    });
    expect(entries.map(({ path, part }) => [path, part])).toEqual([
      [['log'], 0],
      [['log'], 1],
    ]);
    const [first, second] = entries;
    expect((first?.chars ?? 0) + (second?.chars ?? 0)).toBe(text.length);
    expect((first?.chars ?? 0) * 2).toBeLessThanOrEqual(256_000_000);
    expect(first?.blob.sizeBytes).toBeLessThanOrEqual(256_000_000);
    expect(notes).toEqual([
      'log.txt takes 273 MB of the heap: its widest character, U+65E5 at character 0, takes 2 bytes, and so does each beside it; it is split into 2 parts below 256 MB (one object may have 2 GiB, a heap 4 GiB)',
    ]);
  });
});

describe('the thread that reads documents', () => {
  test('that is lost to one document reads the next', async () => {
    const converter = new Converter({ ms: 1 });
    const slow = Buffer.from(`<p>${'a <b>b</b> '.repeat(200_000)}</p>`);
    expect(await refusal(converter.read('slow.html', slow))).toBe(
      'Unreadable: took longer than 1 min to read',
    );
    await converter.dispose();
  });

  test('ends with the cancellation of the run', async () => {
    const converter = new Converter();
    const cancelling = new AbortController();
    const reading = converter.read('a.txt', Buffer.from('text'), { signal: cancelling.signal });
    cancelling.abort(new Error('cancelled'));
    await expect(reading).rejects.toThrow('cancelled');
    expect((await converter.read('b.txt', Buffer.from('text'))).texts).toHaveLength(1);
    await converter.dispose();
  });

  test('has a limit of memory, and what is beyond it is no fault of the worker', async () => {
    const converter = new Converter({ memoryMiB: 32 });
    const rows = `[${'{"a":[1,2,3,{"b":"c"}]},'.repeat(300_000)}1]`;
    expect(await refusal(converter.read('big.json', Buffer.from(rows)))).toBe(
      'Unreadable: needs more than 32 MiB of memory to be read',
    );
    await converter.dispose();
  });
});
