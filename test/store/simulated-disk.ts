import { basename, dirname } from 'node:path';
import type { FileSystem, OpenFile } from '../../store/file-system.ts';

interface Inode {
  folder: Map<string, Inode> | null;
  content: Buffer;
  modifiedMs: number;
  /** What is on the disk for sure. */
  synced: { content: Buffer; modifiedMs: number };
}

/** One operation on names: as a whole on the disk or not, as file systems with a journal promise of a rename. */
type Change = ReadonlyArray<{ folder: Inode; name: string; to: Inode | undefined }>;

/** The operation did not come to its end: the machine has no power. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut';
}

/** What a power cut leaves of everything that was not synced. `random` decides by the number given to it. */
export type Remains = 'nothing' | 'everything' | ((choice: number) => number);

/**
 * A disk in memory that forgets what was not synced when its power is cut. Names are durable once their folder is
 * synced, bytes and ages once their file is; until then each change may be there after a cut or not, by itself.
 */
export class SimulatedDisk {
  #root: Inode = makeInode(true);
  /** The same tree as it is for sure, by folder. */
  readonly #durable = new Map<Inode, Map<string, Inode>>();
  #pending: Change[] = [];
  #operations = 0;
  #cutAt = Infinity;
  nowMs = 1_000_000;
  /** Called before each operation: lets tests order operations of several processes. */
  before: (operation: string) => Promise<void> = async () => undefined;

  constructor() {
    this.#durable.set(this.#root, new Map());
  }

  get operations(): number {
    return this.#operations;
  }

  /** Every operation from this one on fails. */
  cutAt(operation: number): void {
    this.#cutAt = operation;
  }

  /** The power is back. */
  restart(remains: Remains): void {
    let choice = 0;
    const chance = (): number => {
      if (remains === 'nothing') return 0;
      return remains === 'everything' ? 1 : remains(choice++);
    };
    for (const change of this.#pending) if (chance() >= 0.5) this.#settle(change);
    this.#pending = [];
    const seen = new Set<Inode>();
    const restore = (inode: Inode): void => {
      if (seen.has(inode)) return;
      seen.add(inode);
      if (inode.folder === null) {
        const kept = chance();
        const unsynced = inode.content;
        if (!unsynced.equals(inode.synced.content)) {
          inode.content =
            kept === 0 ? inode.synced.content : unsynced.subarray(0, kept * unsynced.length);
        }
        if (chance() < 0.5) inode.modifiedMs = inode.synced.modifiedMs;
        inode.synced = { content: inode.content, modifiedMs: inode.modifiedMs };
      } else {
        inode.folder = new Map(this.#durable.get(inode));
        for (const child of inode.folder.values()) restore(child);
      }
    };
    restore(this.#root);
    this.#operations = 0;
    this.#cutAt = Infinity;
  }

  /** What one process sees of it. */
  files(): FileSystem {
    const step = async (operation: string): Promise<void> => {
      await this.before(operation);
      this.#operations += 1;
      if (this.#operations > this.#cutAt) throw new PowerCut(operation);
      this.nowMs += 1;
    };
    return {
      open: async (path, flags) => {
        await step('open');
        if (flags === 'wx') {
          if (this.#find(path) !== undefined) throw systemError('EEXIST');
          const made = makeInode(false);
          made.modifiedMs = this.nowMs;
          this.#change([{ path, to: made }]);
        }
        return this.#opened(this.#get(path), step);
      },
      readFile: async (path) => {
        await step('readFile');
        return Buffer.from(this.#get(path).content);
      },
      stat: async (path) => {
        await step('stat');
        const { folder, content, modifiedMs } = this.#get(path);
        return { mtimeMs: modifiedMs, size: content.length, isFile: () => folder === null };
      },
      utimes: async (path) => {
        await step('utimes');
        this.#get(path).modifiedMs = this.nowMs;
      },
      link: async (from, to) => {
        await step('link');
        const inode = this.#get(from);
        if (this.#find(to) !== undefined) throw systemError('EEXIST');
        this.#change([{ path: to, to: inode }]);
      },
      rename: async (from, to) => {
        await step('rename');
        const inode = this.#get(from);
        this.#change([
          { path: to, to: inode },
          { path: from, to: undefined },
        ]);
      },
      remove: async (path) => {
        await step('remove');
        if (this.#find(path) !== undefined) this.#change([{ path, to: undefined }]);
      },
      makeFolder: async (path) => {
        await step('makeFolder');
        let first: string | undefined;
        const parts = path.split('/').filter((part) => part !== '');
        for (let depth = 1; depth <= parts.length; depth += 1) {
          const at = `/${parts.slice(0, depth).join('/')}`;
          if (this.#find(at) !== undefined) continue;
          first ??= at;
          const made = makeInode(true);
          this.#durable.set(made, new Map());
          this.#change([{ path: at, to: made }]);
        }
        return first;
      },
      readdir: async (path) => {
        await step('readdir');
        return [...(this.#get(path).folder?.keys() ?? [])];
      },
    };
  }

  #opened(inode: Inode, step: (operation: string) => Promise<void>): OpenFile {
    return {
      writeFile: async (bytes) => {
        await step('writeFile');
        inode.content = Buffer.concat([inode.content, bytes]);
        inode.modifiedMs = this.nowMs;
      },
      sync: async () => {
        await step('sync');
        if (inode.folder === null) {
          inode.synced = { content: inode.content, modifiedMs: inode.modifiedMs };
          return;
        }
        const isOf = (change: Change): boolean => change.some(({ folder }) => folder === inode);
        for (const change of this.#pending) if (isOf(change)) this.#settle(change);
        this.#pending = this.#pending.filter((change) => !isOf(change));
      },
      // Also where the power is gone: there is nothing that could fail.
      close: async () => undefined,
    };
  }

  #find(path: string): Inode | undefined {
    let at: Inode | undefined = this.#root;
    for (const part of path.split('/')) if (part !== '') at = at?.folder?.get(part);
    return at;
  }

  #get(path: string): Inode {
    const found = this.#find(path);
    if (found === undefined) throw systemError('ENOENT');
    return found;
  }

  #change(changes: ReadonlyArray<{ path: string; to: Inode | undefined }>): void {
    const change = changes.map(({ path, to }) => {
      const folder = this.#get(dirname(path));
      return { folder, name: basename(path), to };
    });
    for (const { folder, name, to } of change) apply(folder.folder, name, to);
    this.#pending.push(change);
  }

  #settle(change: Change): void {
    for (const { folder, name, to } of change) apply(this.#durable.get(folder) ?? null, name, to);
  }
}

function apply(folder: Map<string, Inode> | null, name: string, to: Inode | undefined): void {
  if (to === undefined) folder?.delete(name);
  else folder?.set(name, to);
}

function makeInode(isFolder: boolean): Inode {
  const content = Buffer.alloc(0);
  return {
    folder: isFolder ? new Map() : null,
    content,
    modifiedMs: 0,
    synced: { content, modifiedMs: 0 },
  };
}

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: 'simulated' });
}
