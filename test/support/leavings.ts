import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { decodeImage } from '../../repl/image/image-format.ts';
import { pageFrom } from '../../repl/image/page-delta.ts';
import { PAGE_BYTES } from '../../repl/image/heap-digest.ts';
import { decodeBlobFrame } from '../../store/blob-frame.ts';

/** Something that a run leaves behind, as it can be read: unpacked, decompressed, decoded. */
export interface Leaving {
  readonly where: string;
  readonly bytes: Buffer;
}

/**
 * Every file of a folder as it is, and what it holds: blobs without their frames, heap images as the heap itself.
 * `base`: the heap that the first image is relative to.
 */
export async function filesOf(folder: string, base: Buffer): Promise<Leaving[]> {
  const found: Leaving[] = [];
  const images = new Map<string, Buffer>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const where = join(entry.parentPath, entry.name);
    const raw = await readFile(where);
    found.push({ where, bytes: raw }, { where: `name of ${where}`, bytes: Buffer.from(where) });
    const blob = await decodeBlobFrame(raw);
    if (typeof blob === 'string') continue;
    found.push({ where: `blob ${where}`, bytes: blob });
    if (blob.toString('latin1', 0, 8) === 'RLMHEAP\n') images.set(entry.name, blob);
  }
  for (const [name, blob] of images)
    found.push(...(await heapOf(name, { newest: blob, images, base })));
  return found;
}

/** The heap that a kernel of this program begins with, as its start-up snapshot has it (magic, place of the heap…). */
export async function baseHeap(cacheDir: string, runtime: string): Promise<Buffer> {
  for (const entry of await readdir(cacheDir)) {
    const description = await readFile(join(cacheDir, entry, 'base.json'), 'utf8').catch(() => '');
    if (!description.includes(`"${runtime}"`)) continue;
    const snapshot = await readFile(join(cacheDir, entry, 'snapshot.bin'));
    return snapshot.subarray(snapshot.readUInt32LE(4));
  }
  throw new Error(`no base image of ${runtime} in ${cacheDir}`);
}

/** The heap of an image, and its files. */
async function heapOf(
  name: string,
  { newest, images, base }: { newest: Buffer; images: ReadonlyMap<string, Buffer>; base: Buffer },
): Promise<Leaving[]> {
  const chain = [];
  for (let blob: Buffer | undefined = newest; blob !== undefined;) {
    const image = await decodeImage(blob);
    chain.unshift(image);
    const { parent } = image.header;
    blob = [...images].find(([id]) => parent !== null && parent.endsWith(id))?.[1];
  }
  const heap = Buffer.alloc(Math.max(...chain.map(({ header }) => header.heapBytes)));
  base.copy(heap);
  for (const { pages } of chain) {
    for (const delta of pages) {
      const before = heap.subarray(delta.page * PAGE_BYTES, (delta.page + 1) * PAGE_BYTES);
      Buffer.from(pageFrom(delta, () => before)).copy(before);
    }
  }
  const files = chain.findLast((image) => image.files !== null)?.files ?? Buffer.alloc(0);
  return [
    { where: `heap of ${name}`, bytes: heap },
    { where: `files of ${name}`, bytes: files },
  ];
}

/** The history of a workflow, memo and search attributes included, with its payloads decoded. */
export async function historyOf(client: Client, workflowId: string): Promise<Leaving[]> {
  const handle = client.workflow.getHandle(workflowId);
  const { events = [] } = await handle.fetchHistory();
  const { raw } = await handle.describe();
  return [
    { where: `history of ${workflowId}`, bytes: Buffer.from(readable(events).join('\n')) },
    { where: `description of ${workflowId}`, bytes: Buffer.from(readable(raw).join('\n')) },
  ];
}

/** All texts in a protobuf message, bytes as text. */
function readable(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString('utf8')];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [name, ...readable(inner)]);
}
