import { PAGE_BYTES, ZERO_PAGE } from './heap-digest.ts';

const WORDS = PAGE_BYTES / 4;

/** How a page is given: the bytes to XOR onto the parent's, its bytes, or all zero. */
export const PageCode = { xor: 0, bytes: 1, zero: 2 } as const;
export type PageCode = (typeof PageCode)[keyof typeof PageCode];

/** A page that an image gives. */
export interface PageDelta {
  page: number;
  code: PageCode;
  /** Absent for a zero page. */
  bytes?: Buffer;
}

/** A page that an image is to give. `before`: what the parent has there; null when that is not known. */
export interface PageChange {
  page: number;
  now: Buffer;
  before: Buffer | null;
}

/**
 * Writes a page into `out` as an image gives it (nothing for a zero page) and says how: XOR where few words changed, the
 * bytes themselves where many did, which is what compresses better.
 */
export function writeDelta({ now, before }: PageChange, out: Buffer, at: number): PageCode {
  if (now.equals(ZERO_PAGE)) return PageCode.zero;
  if (before !== null && !before.equals(ZERO_PAGE)) {
    const changed = xorInto(now, before, out, at);
    if (changed <= WORDS / 2) return PageCode.xor;
  }
  now.copy(out, at);
  return PageCode.bytes;
}

/** The page that a delta makes of what was there before. */
export function pageFrom({ code, bytes }: PageDelta, before: () => Buffer): Buffer {
  if (code === PageCode.zero || bytes === undefined) return ZERO_PAGE;
  if (code === PageCode.bytes) return bytes;
  const page = Buffer.allocUnsafeSlow(PAGE_BYTES);
  xorInto(bytes, before(), page, 0);
  return page;
}

/** Returns in how many words the two differ. */
function xorInto(a: Buffer, b: Buffer, out: Buffer, at: number): number {
  const x = words(a, 0);
  const y = words(b, 0);
  const isAligned = (out.byteOffset + at) % 4 === 0;
  const z = isAligned ? words(out, at) : new Uint32Array(WORDS);
  let differing = 0;
  for (let i = 0; i < WORDS; i++) {
    const word = (x[i] ?? 0) ^ (y[i] ?? 0);
    z[i] = word;
    if (word !== 0) differing += 1;
  }
  if (!isAligned) out.set(new Uint8Array(z.buffer), at);
  return differing;
}

/** As 32-bit words; copied when it does not lie on a word. */
function words(page: Buffer, at: number): Uint32Array {
  const offset = page.byteOffset + at;
  if (offset % 4 === 0) return new Uint32Array(page.buffer, offset, WORDS);
  return new Uint32Array(new Uint8Array(page.subarray(at, at + PAGE_BYTES)).buffer);
}
