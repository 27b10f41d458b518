import { isUtf8 } from 'node:buffer';
import type { Readable } from 'node:stream';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { Unreadable } from '../errors.ts';
import { isClutter, type Member, nameProblem, UnpackLimits } from './unpack-limits.ts';

/** The files of a ZIP archive, one after the other, in memory. Throws Unreadable when it is damaged or a bomb. */
export async function* zipMembers(bytes: Uint8Array): AsyncGenerator<Member> {
  const limits = new UnpackLimits();
  const zip = await open(bytes);
  for await (const entry of entriesOf(zip)) {
    const name = nameOf(entry);
    if (name.endsWith('/')) continue;
    limits.begin();
    const hostile = nameProblem(name);
    if (hostile === null && isClutter(name)) continue;
    const problem = hostile ?? entryProblem(entry);
    if (problem !== null) {
      yield { name, problem };
      continue;
    }
    yield await inflate(zip, entry, name, limits);
  }
}

/** Names of all files, from the archive's own directory. */
export async function zipNames(bytes: Uint8Array): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of entriesOf(await open(bytes))) names.push(nameOf(entry));
  return names;
}

/** Unpacks everything once, keeping nothing: libraries that read Office files do not stop at a bomb. */
export async function checkZip(bytes: Uint8Array): Promise<void> {
  for await (const member of zipMembers(bytes)) {
    if ('problem' in member) throw new Unreadable(`is damaged: ${member.name} ${member.problem}`);
  }
}

async function open(bytes: Uint8Array): Promise<ZipFile> {
  const { promise, resolve, reject } = Promise.withResolvers<ZipFile>();
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Names are decoded and judged here: one that is hostile must not hide the other files.
  yauzl.fromBuffer(buffer, { lazyEntries: true, decodeStrings: false }, (error, zip) => {
    if (error === null) resolve(zip);
    else reject(damaged(error));
  });
  return await promise;
}

async function* entriesOf(zip: ZipFile): AsyncGenerator<Entry> {
  for (;;) {
    const { promise, resolve, reject } = Promise.withResolvers<Entry | null>();
    const failed = (error: Error): void => reject(damaged(error));
    const ended = (): void => resolve(null);
    zip.once('entry', resolve).once('end', ended).once('error', failed);
    zip.readEntry();
    const entry = await promise.finally(() => {
      zip.off('entry', resolve).off('end', ended).off('error', failed);
    });
    if (entry === null) return;
    yield entry;
  }
}

function nameOf(entry: Entry): string {
  const raw = Buffer.from(entry.fileNameRaw);
  return raw.toString(isUtf8(raw) ? 'utf8' : 'latin1').replaceAll('\\', '/');
}

function entryProblem(entry: Entry): string | null {
  if (entry.isEncrypted()) return 'is encrypted';
  return entry.canDecodeFileData() ? null : 'is packed by a method that is not known here';
}

async function inflate(
  zip: ZipFile,
  entry: Entry,
  name: string,
  limits: UnpackLimits,
): Promise<Member> {
  const { promise, resolve, reject } = Promise.withResolvers<Readable>();
  zip.openReadStream(entry, (error, stream) => (error === null ? resolve(stream) : reject(error)));
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of await promise) {
      const piece = Buffer.from(part);
      size += piece.length;
      limits.grow(name, size, piece.length, entry.compressedSize);
      parts.push(piece);
    }
  } catch (error) {
    if (error instanceof Unreadable) throw error;
    return { name, problem: `is damaged (${messageOf(error)})` };
  }
  return { name, bytes: Buffer.concat(parts) };
}

function damaged(error: unknown): Unreadable {
  return new Unreadable(`is a damaged ZIP archive (${messageOf(error)})`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
