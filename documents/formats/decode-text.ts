import { isUtf8 } from 'node:buffer';
import chardet from 'chardet';

/** Some bytes as UTF-8 and how they were encoded (`guessed`: no mark says so), or what they are instead. */
export type Decoded = { utf8: Buffer; encoding: string; guessed: boolean } | { binary: string };

/** Bytes looked at to guess an encoding without a byte order mark. */
const SAMPLE_BYTES = 64 * 1024;
/** Latin-1 text has hardly any control characters; bytes of other things have one in eight. */
const MAX_CONTROL_SHARE = 0.01;
/** In UTF-16 of Western text nearly every second byte is zero, in other scripts few are. */
const MIN_ZERO_SHARE = 0.4;
/** Of what is decoded at once: a JavaScript string holds no gigabyte. */
const CHUNK_BYTES = 16 * 1024 * 1024;

/** Encodings whose texts are mostly bytes above 127, which Western text is not, and that nothing else looks like. */
const MULTI_BYTE = ['Shift_JIS', 'EUC-JP', 'EUC-KR', 'Big5', 'GB18030'];
const OTHER_SCRIPTS = [
  'windows-1251',
  'KOI8-R',
  'ISO-8859-5',
  'windows-1253',
  'ISO-8859-7',
  'windows-1255',
  'ISO-8859-8',
  'windows-1256',
  'ISO-8859-6',
];
/** Latin letters of other languages: differ from Western ones in few bytes. */
const OTHER_LATIN = ['windows-1250', 'ISO-8859-2', 'windows-1254', 'ISO-8859-9'];
const MIN_CONFIDENCE = 40;
const MIN_LATIN_CONFIDENCE = 60;
const MIN_SCRIPT_SHARE = 0.3;
const MIN_MULTI_BYTE_SHARE = 0.1;

/**
 * Decodes text: by its byte order mark (which is dropped), as UTF-8, as `declared` when the document says so itself, as
 * UTF-16 without a mark when every second byte is zero, else in the encoding that its bytes look like; Western text as
 * windows-1252, which contains Latin-1. Never through one string, so that a gigabyte can be decoded.
 */
export function decodeText(bytes: Uint8Array, declared?: string): Decoded {
  const head = Buffer.from(bytes.subarray(0, 4)).toString('latin1');
  if (head.startsWith('\xef\xbb\xbf')) {
    const rest = bytes.subarray(3);
    return isUtf8(rest) ? marked(asBuffer(rest), 'utf-8') : { binary: 'damaged UTF-8' };
  }
  if (head === '\xff\xfe\0\0') return { binary: 'UTF-32 text' };
  if (head.startsWith('\xff\xfe')) return decodeAs('utf-16le', bytes.subarray(2), false);
  if (head.startsWith('\xfe\xff')) return decodeAs('utf-16be', bytes.subarray(2), false);

  const sample = bytes.subarray(0, SAMPLE_BYTES);
  const zeros = shareOfZeros(sample);
  if (zeros.odd > MIN_ZERO_SHARE && zeros.even === 0) return decodeAs('utf-16le', bytes, true);
  if (zeros.even > MIN_ZERO_SHARE && zeros.odd === 0) return decodeAs('utf-16be', bytes, true);
  if (zeros.odd + zeros.even > 0) return { binary: 'binary data' };
  if (isUtf8(bytes)) return marked(asBuffer(bytes), 'utf-8');
  if (controlShare(sample) > MAX_CONTROL_SHARE) return { binary: 'binary data' };
  const known = declared === undefined ? null : knownEncoding(declared);
  if (known !== null && known !== 'utf-8') return decodeAs(known, bytes, false);
  for (const encoding of guesses(bytes)) {
    const decoded = decodeAs(encoding, bytes, true);
    if (!('binary' in decoded)) return decoded;
  }
  return decodeAs('windows-1252', bytes, true);
}

function marked(utf8: Buffer, encoding: string): Decoded {
  return { utf8, encoding, guessed: false };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function knownEncoding(label: string): string | null {
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return null;
  }
}

/** What the bytes around the first that is no ASCII look like, when it is not Western text. */
function guesses(bytes: Uint8Array): string[] {
  const first = bytes.findIndex((byte) => byte > 127);
  const start = Math.max(0, first - 1024);
  const sample = bytes.subarray(start, start + SAMPLE_BYTES);
  const share = highShare(sample);
  const found = chardet.analyse(sample);
  const western = found.find(({ name }) => name === 'windows-1252' || name === 'ISO-8859-1');
  return found
    .filter(({ name, confidence }) => {
      if (MULTI_BYTE.includes(name)) {
        return confidence >= MIN_CONFIDENCE && share >= MIN_MULTI_BYTE_SHARE;
      }
      if (OTHER_SCRIPTS.includes(name)) {
        return confidence >= MIN_CONFIDENCE && share >= MIN_SCRIPT_SHARE;
      }
      return (
        OTHER_LATIN.includes(name) &&
        confidence >= Math.max(MIN_LATIN_CONFIDENCE, (western?.confidence ?? 0) + 5)
      );
    })
    .map(({ name }) => name);
}

function decodeAs(label: string, bytes: Uint8Array, guessed: boolean): Decoded {
  const decoder = new TextDecoder(label, { fatal: true });
  const parts: Buffer[] = [];
  try {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
      const text = decoder.decode(bytes.subarray(at, at + CHUNK_BYTES), { stream: true });
      parts.push(Buffer.from(text, 'utf8'));
    }
    parts.push(Buffer.from(decoder.decode(), 'utf8'));
  } catch {
    return { binary: `damaged ${label.toUpperCase()}` };
  }
  return { utf8: Buffer.concat(parts), encoding: decoder.encoding, guessed };
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

/** Bytes above 127 among those that are no ASCII space, digit or punctuation. */
function highShare(sample: Uint8Array): number {
  let high = 0;
  let letters = 0;
  for (const byte of sample) {
    if (byte > 127) high += 1;
    else if ((byte | 32) >= 97 && (byte | 32) <= 122) letters += 1;
  }
  return high / Math.max(1, high + letters);
}
