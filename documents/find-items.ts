import { extname } from 'node:path';
import { type Member } from './archives/unpack-limits.ts';
import { holdsTar, type Packing, tarMembers, unpackFile } from './archives/tar-members.ts';
import { zipMembers } from './archives/zip-members.ts';
import { InvalidDocument, Unreadable } from './errors.ts';
import { formatOf } from './formats/format-of.ts';
import { httpFile } from './http-file.ts';
import type { Found, Item } from './item.ts';
import { s3Files } from './s3-files.ts';
import type { SourceAccess } from './source-access.ts';
import { workerFiles } from './worker-files.ts';

/** The documents of a location that the worker reads itself. Throws InvalidDocument and SourceUnavailable. */
export async function* remoteItems(
  location: string,
  path: string[],
  access: SourceAccess,
  signal?: AbortSignal,
): AsyncGenerator<Found> {
  if (/^https?:\/\//i.test(location)) {
    yield { kind: 'item', item: await httpFile(location, path, access, signal) };
  } else if (/^s3:\/\//i.test(location)) yield* s3Files(location, path, access, signal);
  else if (location.startsWith('worker:')) yield* workerFiles(location, path, access);
  else {
    throw new InvalidDocument(
      `${location} is no location that a worker reads: expected s3://, https:// or worker:/path`,
    );
  }
}

/** A loaded document that is no archive, or those of an archive. */
export interface Loaded {
  item: Item;
  bytes: Buffer<ArrayBuffer>;
}

export type Opened =
  | { kind: 'loaded'; loaded: Loaded }
  | { kind: 'problem'; path: string[]; name: string; phrase: string };

/** What is in a document when it is an archive, one file after the other; else the document itself. Throws Unreadable. */
export async function* openArchive(item: Item, bytes: Buffer<ArrayBuffer>): AsyncGenerator<Opened> {
  const format = await formatOf(item.name, bytes);
  if (format === 'zip') yield* opened(item, zipMembers(bytes));
  else if (format === 'tar') yield* opened(item, tarMembers(bytes, 'plain'));
  else if (format !== 'gzip' && format !== 'zstd') {
    yield { kind: 'loaded', loaded: { item, bytes } };
  } else yield* unpacked(item, bytes, format);
}

async function* unpacked(
  item: Item,
  bytes: Buffer<ArrayBuffer>,
  packing: Packing,
): AsyncGenerator<Opened> {
  if (await holdsTar(bytes, packing)) {
    yield* opened(item, tarMembers(bytes, packing));
    return;
  }
  const inner = { ...item, name: nameWithin(item.name), digest: null };
  const content = await unpackFile(bytes, packing);
  yield { kind: 'loaded', loaded: { item: inner, bytes: content } };
}

/** `report.csv` of `report.csv.gz`. */
function nameWithin(name: string): string {
  const extension = extname(name);
  return /^\.(gz|gzip|zst|zstd)$/i.test(extension) ? name.slice(0, -extension.length) : name;
}

async function* opened(archive: Item, members: AsyncGenerator<Member>): AsyncGenerator<Opened> {
  let count = 0;
  for await (const member of members) {
    count += 1;
    const path = [...archive.path, member.name];
    const name = `${archive.name}/${member.name}`;
    if (member.name.length > 500) {
      yield { kind: 'problem', path, name, phrase: 'has too long a name' };
    } else if ('problem' in member) {
      yield { kind: 'problem', path, name, phrase: member.problem };
    } else {
      const { bytes } = member;
      const item: Item = {
        path,
        name,
        batch: true,
        digest: null,
        load: () => Promise.resolve(bytes),
      };
      yield { kind: 'loaded', loaded: { item, bytes } };
    }
  }
  if (count === 0) throw new Unreadable('is an archive without files');
}
