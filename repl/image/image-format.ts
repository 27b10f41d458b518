import { promisify } from 'node:util';
import {
  constants,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib';
import { z } from 'zod';
import { errorText } from '../error-text.ts';
import { Digest } from '../../protocol/index.ts';
import { Extent } from './extents.ts';
import { PAGE_BYTES } from './heap-digest.ts';
import { type PageChange, PageCode, type PageDelta, writeDelta } from './page-delta.ts';

/**
 * An image blob, all numbers little-endian:
 *   0  8 bytes  magic "RLMHEAP\n"
 *   8  u32      format version
 *  12  u32      length of the header
 *  16  header   JSON, see ImageHeader
 *      body     zstd of: page numbers (u32 each, ascending), one byte of PageCode each, then the pages that have bytes
 *      files    zstd of the file system (absent when it is that of the parent)
 * An image is trusted only because its ref comes from a workflow history and the store verifies its digest; after a
 * restore the heap digest is verified as well.
 */
const MAGIC = Buffer.from('RLMHEAP\n');
const PREFIX_BYTES = 16;
/** 1: pages as XOR against the parent, as bytes, or zero. */
export const CURRENT_IMAGE_VERSION = 1;
const READABLE_IMAGE_VERSIONS: readonly number[] = [1];
const LEVEL = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
/** Bytes that (de)compression hands over at a time. */
const CHUNK_BYTES = 16 * 1024;
const MAX_CHUNK_BYTES = 2 ** 26;
/** They unpack within some milliseconds. */
const FEW_BYTES = 2 ** 24;
/** 4 MiB, which are packed within some milliseconds as well. */
const SYNC_PAGES = 1024;
/** A heap cannot be larger (wasm32), so neither can the body of an image. */
const MAX_BODY_BYTES = 4 * 2 ** 30 + 2 ** 28;

export const ImageHeader = z.object({
  runtime: z.string(),
  /** Heap digest of the base image that the runtime's kernels begin with. */
  base: Digest,
  /** Image that the pages are relative to; null: the base image. */
  parent: Digest.nullable(),
  /** Blobs that a restore reads, this one included; the base needs none. */
  depth: z.int().positive(),
  heapDigest: Digest,
  /** Pages whose content is that of texts in blobs of their own. */
  extents: z.array(Extent),
  heapBytes: z.int().positive().multipleOf(65536),
  /** Length of the WebAssembly function table, which is not in linear memory. */
  tableLength: z.int().nonnegative(),
  pageCount: z.int().nonnegative(),
  bodyBytes: z.int().nonnegative(),
  /** Of the body, unpacked. Absent in images from before it was told. */
  plainBytes: z.int().nonnegative().optional(),
  /** Null: the files of the parent. */
  filesBytes: z.int().nonnegative().nullable(),
});
export type ImageHeader = z.infer<typeof ImageHeader>;

export interface DecodedImage {
  header: ImageHeader;
  pages: PageDelta[];
  files: Buffer | null;
}

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** What the bodies of small images are put together in: memory that is touched already. */
let scratch = Buffer.alloc(0);

export async function encodeImage(
  header: Omit<ImageHeader, 'pageCount' | 'bodyBytes' | 'plainBytes' | 'filesBytes'>,
  pages: readonly PageChange[],
  files: Uint8Array | null,
): Promise<Buffer> {
  const { body, plainBytes } = await packPages(pages);
  const packedFiles = files === null ? null : await compress(files, LEVEL);
  const head = Buffer.from(
    JSON.stringify({
      ...header,
      pageCount: pages.length,
      bodyBytes: body.length,
      plainBytes,
      filesBytes: packedFiles === null ? null : packedFiles.length,
    } satisfies ImageHeader),
  );
  const prefix = Buffer.alloc(PREFIX_BYTES);
  MAGIC.copy(prefix);
  prefix.writeUInt32LE(CURRENT_IMAGE_VERSION, 8);
  prefix.writeUInt32LE(head.length, 12);
  return Buffer.concat([prefix, head, body, ...(packedFiles === null ? [] : [packedFiles])]);
}

async function packPages(
  pages: readonly PageChange[],
): Promise<{ body: Buffer; plainBytes: number }> {
  const isSmall = pages.length <= SYNC_PAGES;
  const indexBytes = pages.length * 5;
  // The pages are to lie on words.
  const pad = -indexBytes & 3;
  const largest = pad + indexBytes + pages.length * PAGE_BYTES;
  if (isSmall && scratch.length < largest) scratch = Buffer.allocUnsafeSlow(2 * largest);
  const raw = (isSmall ? scratch : Buffer.allocUnsafeSlow(largest)).subarray(pad);
  let end = indexBytes;
  pages.forEach((change, i) => {
    const code = writeDelta(change, raw, end);
    if (code !== PageCode.zero) end += PAGE_BYTES;
    raw.writeUInt32LE(change.page, 4 * i);
    raw.writeUInt8(code, 4 * pages.length + i);
  });
  const chunkSize = Math.min(Math.max(Math.ceil(end / 4), CHUNK_BYTES), MAX_CHUNK_BYTES);
  const plain = raw.subarray(0, end);
  // At once: meanwhile another kernel could take the scratch.
  const body = isSmall
    ? zstdCompressSync(plain, { ...LEVEL, chunkSize })
    : await compress(plain, { ...LEVEL, chunkSize });
  return { body, plainBytes: end };
}

/** The header alone: what the chain of an image is followed by. Throws ImageUnreadable. */
export function decodeHeader(blob: Uint8Array): { header: ImageHeader; bodyAt: number } {
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  if (bytes.length < PREFIX_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new ImageUnreadable('it is no heap image');
  }
  const version = bytes.readUInt32LE(8);
  if (!READABLE_IMAGE_VERSIONS.includes(version)) {
    throw new ImageUnreadable(
      `its format version is ${version}; this program reads ${READABLE_IMAGE_VERSIONS.join(', ')}`,
    );
  }
  const bodyAt = PREFIX_BYTES + bytes.readUInt32LE(12);
  try {
    const header = ImageHeader.parse(
      JSON.parse(bytes.subarray(PREFIX_BYTES, bodyAt).toString('utf8')),
    );
    if (bodyAt + header.bodyBytes + (header.filesBytes ?? 0) !== bytes.length) {
      throw new Error('its length is not that of its header');
    }
    return { header, bodyAt };
  } catch (error) {
    throw new ImageUnreadable(`its header is damaged: ${errorText(error)}`);
  }
}

export async function decodeImage(blob: Uint8Array): Promise<DecodedImage> {
  const { header, bodyAt } = decodeHeader(blob);
  const limit = { maxOutputLength: MAX_BODY_BYTES };
  const bodyEnd = bodyAt + header.bodyBytes;
  // In one piece: a body is at most all of its pages.
  const { plainBytes = header.pageCount * (PAGE_BYTES + 5) } = header;
  const chunkSize = Math.min(Math.max(plainBytes, CHUNK_BYTES), MAX_CHUNK_BYTES);
  const packed = blob.subarray(bodyAt, bodyEnd);
  // A thread costs more than it saves until there is a lot to do.
  const body =
    plainBytes <= FEW_BYTES
      ? zstdDecompressSync(packed, { ...limit, chunkSize })
      : await decompress(packed, { ...limit, chunkSize });
  const pages: PageDelta[] = [];
  let at = header.pageCount * 5;
  for (let i = 0; i < header.pageCount; i++) {
    const page = body.readUInt32LE(4 * i);
    const code = asPageCode(body.readUInt8(4 * header.pageCount + i));
    if (code === PageCode.zero) pages.push({ page, code });
    else {
      pages.push({ page, code, bytes: body.subarray(at, at + PAGE_BYTES) });
      at += PAGE_BYTES;
    }
  }
  if (at !== body.length) throw new ImageUnreadable('its pages do not fill its body');
  const files = header.filesBytes === null ? null : await decompress(blob.subarray(bodyEnd), limit);
  return { header, pages, files };
}

function asPageCode(value: number): PageCode {
  if (value === PageCode.xor || value === PageCode.bytes || value === PageCode.zero) return value;
  throw new ImageUnreadable(`it gives a page in the unknown way ${value}`);
}

/** The blob cannot be read as a heap image; the message says why, beginning with "it" or "its". */
export class ImageUnreadable extends Error {
  override readonly name = 'ImageUnreadable';
}
