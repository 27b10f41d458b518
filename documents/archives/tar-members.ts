import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { extract } from 'tar-stream';
import { Unreadable } from '../errors.ts';
import { isClutter, type Member, nameProblem, UnpackLimits } from './unpack-limits.ts';

export type Packing = 'gzip' | 'zstd' | 'plain';

/** The files of a tar archive, packed or not, one after the other, in memory. Throws Unreadable when it is damaged or a bomb. */
export async function* tarMembers(bytes: Uint8Array, packing: Packing): AsyncGenerator<Member> {
  const limits = new UnpackLimits();
  const archive = extract();
  const unpacked = unpack(bytes, packing);
  unpacked.on('error', (error) => archive.destroy(error));
  unpacked.pipe(archive);
  try {
    for await (const entry of archive) {
      const { name, type } = entry.header;
      const problem = nameProblem(name);
      const wanted = type === 'file' && (problem !== null || !isClutter(name));
      if (wanted) limits.begin();
      const parts: Buffer[] = [];
      let size = 0;
      for await (const part of entry) {
        const piece = Buffer.isBuffer(part) ? part : Buffer.alloc(0);
        size += piece.length;
        limits.grow(name, size, piece.length, bytes.length);
        if (wanted && problem === null) parts.push(piece);
      }
      if (!wanted) continue;
      yield problem === null ? { name, bytes: Buffer.concat(parts) } : { name, problem };
    }
  } catch (error) {
    throw error instanceof Unreadable
      ? error
      : new Unreadable(`is a damaged tar archive (${messageOf(error)})`);
  } finally {
    unpacked.destroy();
    archive.destroy();
  }
}

/** What a single file was packed from. */
export async function unpackFile(
  bytes: Uint8Array,
  packing: Packing,
): Promise<Buffer<ArrayBuffer>> {
  const limits = new UnpackLimits();
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of unpack(bytes, packing)) {
      const piece = Buffer.from(part);
      size += piece.length;
      limits.grow('it', size, piece.length, bytes.length);
      parts.push(piece);
    }
  } catch (error) {
    if (error instanceof Unreadable) throw error;
    throw new Unreadable(`is a damaged ${packing} archive (${messageOf(error)})`);
  }
  return Buffer.concat(parts);
}

/** Whether the beginning of what is packed is that of a tar archive. */
export async function holdsTar(bytes: Uint8Array, packing: Packing): Promise<boolean> {
  const source = unpack(bytes, packing);
  let head = Buffer.alloc(0);
  try {
    for await (const part of source) {
      head = Buffer.concat([head, Buffer.from(part)]);
      if (head.length >= 512) break;
    }
  } catch {
    return false;
  } finally {
    source.destroy();
  }
  return isTar(head);
}

/** Archives since 1988 have a mark in their first header. */
export function isTar(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(257, 262)).toString('latin1') === 'ustar';
}

function unpack(bytes: Uint8Array, packing: Packing): Readable {
  const source = Readable.from(slices(bytes), { objectMode: false });
  if (packing === 'plain') return source;
  const unpacker = packing === 'gzip' ? createGunzip() : createZstdDecompress();
  source.on('error', (error) => unpacker.destroy(error));
  return source.pipe(unpacker);
}

const SLICE_BYTES = 1024 * 1024;

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    yield bytes.subarray(at, at + SLICE_BYTES);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
