import { PAGE_BYTES, ZERO_PAGE } from './heap-digest.ts';
import { PageCode, type PageDelta } from './image-format.ts';

const WORDS = PAGE_BYTES / 4;

/** XOR where few words changed, the bytes themselves where many did: what compresses better. `before` null: not known. */
export function deltaOf(page: number, now: Buffer, before: Buffer | null): PageDelta {
  if (now.equals(ZERO_PAGE)) return { page, code: PageCode.zero };
  if (before === null || before.equals(ZERO_PAGE))
    return { page, code: PageCode.bytes, bytes: now };
  const difference = xor(now, before);
  let changed = 0;
  for (const word of words(difference)) if (word !== 0) changed += 1;
  return changed > WORDS / 2
    ? { page, code: PageCode.bytes, bytes: now }
    : { page, code: PageCode.xor, bytes: difference };
}

/** The page that a delta makes of what was there before. */
export function pageFrom({ code, bytes }: PageDelta, before: () => Buffer): Buffer {
  if (code === PageCode.zero || bytes === undefined) return ZERO_PAGE;
  return code === PageCode.xor ? xor(bytes, before()) : bytes;
}

function xor(a: Buffer, b: Buffer): Buffer {
  const out = Buffer.allocUnsafeSlow(PAGE_BYTES);
  const x = words(a);
  const y = words(b);
  const z = words(out);
  for (let i = 0; i < WORDS; i++) z[i] = (x[i] ?? 0) ^ (y[i] ?? 0);
  return out;
}

/** As 32-bit words; copied when it does not lie on a word. */
function words(page: Buffer): Uint32Array {
  const { buffer, byteOffset } = page.byteOffset % 4 === 0 ? page : new Uint8Array(page);
  return new Uint32Array(buffer, byteOffset, WORDS);
}
