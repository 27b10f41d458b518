/**
 * How a blob lies in a file: a header of 24 bytes, then the payload.
 *
 *   0  4  magic "RLMB"
 *   4  1  format version
 *   5  1  encoding of the payload: 0 plain, 1 zstd
 *   6  2  zero
 *   8  8  bytes of the blob, little-endian
 *  16  8  bytes of the payload, little-endian
 *
 * Version 1: as above. The digest is not repeated here; it is the file's name and is computed again on each read.
 */
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';

const MAGIC = 'RLMB';
const CURRENT_VERSION = 1;
const READABLE_VERSIONS: readonly number[] = [1];
const HEADER_BYTES = 24;
const Encoding = { plain: 0, zstd: 1 } as const;
/** Below this a zstd frame saves nothing worth the time. */
const MIN_COMPRESSED_BYTES = 512;
const ZSTD_LEVEL = 3;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Header and payload, to be written one after the other. Compressed only when that makes it smaller. */
export async function encodeBlobFrame(bytes: Uint8Array): Promise<[Buffer, Uint8Array]> {
  let encoding: number = Encoding.plain;
  let payload = bytes;
  if (bytes.length >= MIN_COMPRESSED_BYTES) {
    const packed = await compress(bytes, {
      params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL },
    });
    if (packed.length < bytes.length) {
      encoding = Encoding.zstd;
      payload = packed;
    }
  }
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 0, 'latin1');
  header.writeUInt8(CURRENT_VERSION, 4);
  header.writeUInt8(encoding, 5);
  header.writeBigUInt64LE(BigInt(bytes.length), 8);
  header.writeBigUInt64LE(BigInt(payload.length), 16);
  return [header, payload];
}

/** The blob in a frame, or a phrase that says why these bytes are none. Does not check the digest. */
export async function decodeBlobFrame(frame: Buffer): Promise<Buffer | string> {
  if (frame.length < HEADER_BYTES)
    return `expected a header of ${HEADER_BYTES} bytes, got ${frame.length}`;
  const magic = frame.toString('latin1', 0, 4);
  if (magic !== MAGIC) return `expected the magic ${MAGIC}, got ${JSON.stringify(magic)}`;
  const version = frame.readUInt8(4);
  if (!READABLE_VERSIONS.includes(version)) {
    return `expected format version ${READABLE_VERSIONS.join(' or ')}, got ${version}`;
  }
  const size = Number(frame.readBigUInt64LE(8));
  const payload = frame.subarray(HEADER_BYTES);
  const payloadBytes = Number(frame.readBigUInt64LE(16));
  if (payload.length !== payloadBytes) {
    return `expected a payload of ${payloadBytes} bytes, got ${payload.length}`;
  }
  const encoding = frame.readUInt8(5);
  const plain = encoding === Encoding.zstd ? await inflate(payload, size) : payload;
  if (typeof plain === 'string') return plain;
  return plain.length === size ? plain : `expected ${size} bytes, got ${plain.length}`;
}

async function inflate(payload: Buffer, size: number): Promise<Buffer | string> {
  try {
    return await decompress(payload, { maxOutputLength: Math.max(size, 1) });
  } catch (error) {
    return `its zstd frame does not decode (${error instanceof Error ? error.message : String(error)})`;
  }
}
