import { describe, expect, test } from '@jest/globals';
import { decodeHeader, decodeImage, encodeImage } from '../../repl/image/image-format.ts';
import { type PageChange, PageCode, pageFrom } from '../../repl/image/page-delta.ts';

// Scope: pages through an image blob and back, in each way that an image gives them.

const PAGE = 4096;
const digest = `sha256:${'0'.repeat(64)}`;
const header = {
  runtime: 'test',
  base: digest,
  parent: null,
  depth: 1,
  heapDigest: digest,
  extents: [],
  heapBytes: 65536 * 200,
  tableLength: 0,
};

/** A page that compresses badly. */
function noise(seed: number): Buffer {
  const page = Buffer.alloc(PAGE);
  let state = seed + 1;
  for (let at = 0; at < PAGE; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    page.writeUInt32LE(state, at);
  }
  return page;
}

function altered(page: Buffer, words: number): Buffer {
  const copy = Buffer.from(page);
  for (let i = 0; i < words; i += 1) copy.writeUInt32LE(~copy.readUInt32LE(4 * i) >>> 0, 4 * i);
  return copy;
}

/** One page of each kind after the other. Some lie on no word, as those of an unpacked image do. */
function changes(count: number): Array<PageChange & { code: PageCode }> {
  return Array.from({ length: count }, (_, i) => {
    const before = i % 2 === 0 ? noise(i) : Buffer.concat([Buffer.alloc(1), noise(i)]).subarray(1);
    const page = 3 * i;
    switch (i % 6) {
      case 0:
        return { page, now: altered(before, 5), before, code: PageCode.xor };
      case 1:
        return { page, now: altered(before, 512), before, code: PageCode.xor };
      case 2:
        return { page, now: altered(before, 513), before, code: PageCode.bytes };
      case 3:
        return { page, now: Buffer.alloc(PAGE), before, code: PageCode.zero };
      case 4:
        return { page, now: noise(i), before: null, code: PageCode.bytes };
      default:
        return { page, now: noise(i), before: Buffer.alloc(PAGE), code: PageCode.bytes };
    }
  });
}

async function expectSame(blob: Buffer, given: ReturnType<typeof changes>): Promise<void> {
  const { pages } = await decodeImage(blob);
  expect(pages.map(({ page, code }) => ({ page, code }))).toEqual(
    given.map(({ page, code }) => ({ page, code })),
  );
  pages.forEach((delta, i) => {
    const { now, before } = given[i] ?? given[0]!;
    const made = pageFrom(delta, () => before ?? Buffer.alloc(PAGE));
    if (!made.equals(now)) throw new Error(`page ${delta.page} came out otherwise`);
  });
}

/** The same blob as a release wrote it that did not tell the unpacked size. */
function withoutPlainBytes(blob: Buffer): Buffer {
  const { header: told, bodyAt } = decodeHeader(blob);
  expect(told.plainBytes).toBeGreaterThan(0);
  const { plainBytes: _, ...older } = told;
  const head = Buffer.from(JSON.stringify(older));
  const prefix = Buffer.from(blob.subarray(0, 16));
  prefix.writeUInt32LE(head.length, 12);
  return Buffer.concat([prefix, head, blob.subarray(bodyAt)]);
}

describe('pages through an image', () => {
  // 1,024 pages are packed at once, more of them in a thread.
  test.each([1, 6, 7, 200, 1025])('%d of them', async (count) => {
    const given = changes(count);
    const blob = await encodeImage(header, given, null);
    await expectSame(blob, given);
    await expectSame(withoutPlainBytes(blob), given);
  });

  test('of several images at the same time', async () => {
    const all = [3, 900, 40, 1100, 7, 300].map(changes);
    const blobs = await Promise.all(all.map((given) => encodeImage(header, given, null)));
    for (const [i, given] of all.entries()) await expectSame(blobs[i] ?? Buffer.alloc(0), given);
  });

  test('none at all', async () => {
    const { pages, files } = await decodeImage(await encodeImage(header, [], Buffer.from('files')));
    expect(pages).toEqual([]);
    expect(files?.toString()).toBe('files');
  });
});
