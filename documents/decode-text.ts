import { decodeUtf8 } from '../store/index.ts';

export type TextEncodingName = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252';

/** The text of some bytes and how they were encoded, or what they are instead. */
export type Decoded = { text: string; encoding: TextEncodingName } | { binary: string };

/** First bytes of formats that people take for text, or drop into a folder of texts. */
const MAGIC: readonly (readonly [string, string])[] = [
  ['%PDF-', 'a PDF'],
  ['PK\x03\x04', 'a ZIP archive or an Office document'],
  ['\xd0\xcf\x11\xe0', 'an old Office document'],
  ['{\\rtf', 'an RTF document'],
  ['\x1f\x8b', 'a gzip archive'],
  ['\x28\xb5\x2f\xfd', 'a zstd archive'],
  ['\x89PNG', 'a PNG image'],
  ['\xff\xd8\xff', 'a JPEG image'],
  ['GIF8', 'a GIF image'],
  ['\x7fELF', 'a program'],
  ['SQLite format 3\0', 'a SQLite database'],
  ['PAR1', 'a Parquet file'],
];

/** Bytes looked at to guess an encoding without a byte order mark. */
const SAMPLE_BYTES = 64 * 1024;
/** Latin-1 text has hardly any control characters; bytes of other things have one in eight. */
const MAX_CONTROL_SHARE = 0.01;
/** In UTF-16 of Western text nearly every second byte is zero, in other scripts few are. */
const MIN_ZERO_SHARE = 0.4;

/**
 * Decodes text: by its byte order mark (which is dropped), as UTF-8, as UTF-16 without a mark when every second byte is
 * zero, else as Latin-1 (windows-1252, which contains it) when it looks like text at all.
 */
export function decodeText(bytes: Uint8Array): Decoded {
  const head = Buffer.from(bytes.subarray(0, 16)).toString('latin1');
  const magic = MAGIC.find(([start]) => head.startsWith(start));
  if (magic !== undefined) return { binary: magic[1] };

  if (head.startsWith('\xef\xbb\xbf')) {
    const text = decodeUtf8(bytes.subarray(3));
    return text === undefined ? { binary: 'damaged UTF-8' } : { text, encoding: 'utf-8' };
  }
  if (head.startsWith('\xff\xfe\0\0')) return { binary: 'UTF-32 text' };
  if (head.startsWith('\xff\xfe')) return decodeAs('utf-16le', bytes.subarray(2));
  if (head.startsWith('\xfe\xff')) return decodeAs('utf-16be', bytes.subarray(2));

  const sample = bytes.subarray(0, SAMPLE_BYTES);
  const zeros = shareOfZeros(sample);
  if (zeros.odd > MIN_ZERO_SHARE && zeros.even === 0) return decodeAs('utf-16le', bytes);
  if (zeros.even > MIN_ZERO_SHARE && zeros.odd === 0) return decodeAs('utf-16be', bytes);
  if (zeros.odd + zeros.even > 0) return { binary: 'binary data' };

  const text = decodeUtf8(bytes);
  if (text !== undefined) return { text, encoding: 'utf-8' };
  if (controlShare(sample) > MAX_CONTROL_SHARE) return { binary: 'binary data' };
  return decodeAs('windows-1252', bytes);
}

function decodeAs(encoding: TextEncodingName, bytes: Uint8Array): Decoded {
  try {
    return { text: new TextDecoder(encoding, { fatal: true }).decode(bytes), encoding };
  } catch {
    return { binary: `damaged ${encoding.toUpperCase()}` };
  }
}

function shareOfZeros(sample: Uint8Array): { even: number; odd: number } {
  let even = 0;
  let odd = 0;
  for (const [index, byte] of sample.entries()) {
    if (byte !== 0) continue;
    if (index % 2 === 0) even += 1;
    else odd += 1;
  }
  const half = Math.max(1, sample.length / 2);
  return { even: even / half, odd: odd / half };
}

function controlShare(sample: Uint8Array): number {
  let controls = 0;
  for (const byte of sample) {
    const isSpace = byte === 9 || byte === 10 || byte === 12 || byte === 13 || byte === 27;
    if ((byte < 32 && !isSpace) || byte === 127) controls += 1;
  }
  return controls / Math.max(1, sample.length);
}
