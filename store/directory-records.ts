import { join } from 'node:path';
import type { Digest } from '../protocol/index.ts';
import { digestOf, hexOf } from './digest.ts';
import { orNothing, shardedPath, type StoreFolder } from './directory-blobs.ts';
import { RecordCorrupted } from './errors.ts';
import { encodeRecord, parseRecord } from './record-file.ts';
import type { RootFiles } from './roots.ts';
import type { RootFile } from './root-piece.ts';
import type { RecordStore } from './store.ts';

/** Records as files that `link` creates, which fails when the name exists: the first writer wins. */
export class DirectoryRecords implements RecordStore {
  readonly #folder: StoreFolder;

  constructor(folder: StoreFolder) {
    this.#folder = folder;
  }

  async find(key: string): Promise<Digest | undefined> {
    const text = await orNothing(this.#folder.files.readFile(this.#path(key)));
    if (text === undefined) return undefined;
    return parseRecord(text.toString('utf8'), key, this.#folder.name);
  }

  async create(key: string, digest: Digest): Promise<Digest> {
    const { durable, name } = this.#folder;
    hexOf(digest);
    const path = this.#path(key);
    const earlier = await this.find(key);
    if (earlier !== undefined) {
      await durable.settle(path);
      return earlier;
    }
    if (await durable.create(path, [encodeRecord(key, digest)])) return digest;
    const winner = await this.find(key);
    if (winner === undefined) throw new RecordCorrupted(key, name, 'it was deleted while in use');
    return winner;
  }

  async remove(key: string): Promise<void> {
    await this.#folder.files.remove(this.#path(key));
  }

  #path(key: string): string {
    return shardedPath(join(this.#folder.root, 'records'), hexOf(digestOf(Buffer.from(key))));
  }
}

/** Pieces of roots as `roots/ab/<62 more hex digits of the owner>.<name>`. */
export function directoryRoots({ root, files, durable }: StoreFolder): RootFiles {
  const roots = join(root, 'roots');
  const pathOf = (owner: string, name: string): string => `${shardedPath(roots, owner)}.${name}`;

  async function* shard(prefix: string): AsyncGenerator<RootFile> {
    for (const file of (await orNothing(files.readdir(join(roots, prefix)))) ?? []) {
      const [rest, name] = file.split('.');
      if (rest === undefined || name === undefined || !/^[0-9a-f]{62}$/.test(rest)) continue;
      const info = await orNothing(files.stat(join(roots, prefix, file)));
      if (info) yield { owner: `${prefix}${rest}`, name, modifiedMs: info.mtimeMs };
    }
  }

  return {
    write: async (owner, name, bytes) => {
      await durable.replace(pathOf(owner, name), [bytes]);
    },
    list: async function* (owner) {
      if (owner === undefined) {
        for (const prefix of await files.readdir(roots)) yield* shard(prefix);
        return;
      }
      for await (const file of shard(owner.slice(0, 2))) if (file.owner === owner) yield file;
    },
    read: async (owner, name) => orNothing(files.readFile(pathOf(owner, name))),
    remove: async (owner, name) => files.remove(pathOf(owner, name)),
  };
}
