import { decodePiece, encodePiece, ownerHex } from './root-piece.ts';
import type { RootFile, RootPiece, StoredPiece } from './root-piece.ts';

/** Where a store keeps the pieces of roots. `write` is durable when it resolves; `read` gives undefined when the piece has gone. */
export interface RootFiles {
  write(owner: string, name: string, bytes: Buffer): Promise<void>;
  /** Of one owner, or of all. */
  list(owner?: string): AsyncIterable<RootFile>;
  read(owner: string, name: string): Promise<Buffer | undefined>;
  remove(owner: string, name: string): Promise<void>;
}

/** A root: what one owner keeps. */
export interface Root {
  owner: string;
  pieces: StoredPiece[];
}

/** Root records: what must stay, by owner. */
export interface RootStore {
  /** Durable when it resolves, with the piece's name. The same piece twice is one. */
  add(piece: Omit<RootPiece, 'version'>): Promise<string>;
  /** Undefined when there is none. Throws RootCorrupted. */
  find(owner: string): Promise<Root | undefined>;
  /** True while a collection has not yet removed what was forgotten. Reads no piece. */
  isForgotten(owner: string): Promise<boolean>;
  all(): AsyncIterable<Root>;
  remove(owner: string, name: string): Promise<void>;
}

/** Pieces read at the same time. */
const AT_ONCE = 16;

export function rootsIn(files: RootFiles, store: string): RootStore {
  async function read(listed: readonly RootFile[]): Promise<StoredPiece[]> {
    const pieces: StoredPiece[] = [];
    const queue = listed.values();
    const reader = async (): Promise<void> => {
      for (const file of queue) {
        const bytes = await files.read(file.owner, file.name);
        if (bytes !== undefined) pieces.push(decodePiece(file, bytes, store));
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, listed.length) }, reader));
    return pieces.toSorted((a, b) => a.modifiedMs - b.modifiedMs || (a.name < b.name ? -1 : 1));
  }

  return {
    add: async (piece) => {
      const { name, bytes } = encodePiece({ version: 1, ...piece });
      await files.write(ownerHex(piece.owner), name, bytes);
      return name;
    },
    find: async (owner) => {
      const listed: RootFile[] = [];
      for await (const file of files.list(ownerHex(owner))) listed.push(file);
      return toRoot(await read(listed));
    },
    isForgotten: async (owner) => {
      for await (const { name } of files.list(ownerHex(owner))) {
        if (name.startsWith('forgotten-')) return true;
      }
      return false;
    },
    all: async function* () {
      const byOwner = new Map<string, RootFile[]>();
      for await (const file of files.list()) {
        const known = byOwner.get(file.owner);
        if (known === undefined) byOwner.set(file.owner, [file]);
        else known.push(file);
      }
      for (const listed of byOwner.values()) {
        const root = toRoot(await read(listed));
        if (root !== undefined) yield root;
      }
    },
    remove: async (owner, name) => files.remove(ownerHex(owner), name),
  };
}

function toRoot(pieces: StoredPiece[]): Root | undefined {
  const [first] = pieces;
  return first && { owner: first.owner, pieces };
}
