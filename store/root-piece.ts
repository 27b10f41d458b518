import { z } from 'zod';
import { Digest } from '../protocol/index.ts';
import { digestOf, hexOf } from './digest.ts';
import { canonicalJson } from './canonical-json.ts';
import { RootCorrupted } from './errors.ts';

/**
 * One piece of a root record: append-only, named by its content, so that writing it twice is writing it once.
 *
 * `made`       the root exists; written before the owner's first blob
 * `kept`       blobs and records that an activity (or a client) has made or takes over
 * `ended`      when the owner ended, as the server said at a collection
 * `forgotten`  the pieces named are void; the next collection removes them and their records
 *
 * Version 1: as above.
 */
export const RootPiece = z.object({
  version: z.literal(1),
  kind: z.enum(['made', 'kept', 'ended', 'forgotten']),
  owner: z.string().min(1),
  blobs: z.array(Digest).optional(),
  records: z.array(z.string()).optional(),
  /** Of `made`: id of the namespace whose server knows the owner; absent where that is not known. */
  server: z.string().optional(),
  endedMs: z.number().optional(),
  pieces: z.array(z.string()).optional(),
});
export type RootPiece = z.infer<typeof RootPiece>;

/** A file of a root as stores keep it: by the hex of its owner's digest and its own name. */
export interface RootFile {
  owner: string;
  name: string;
  modifiedMs: number;
}

export interface StoredPiece extends RootPiece {
  name: string;
  modifiedMs: number;
}

/** 64 hex digits that stand for an owner in a path. */
export function ownerHex(owner: string): string {
  return hexOf(digestOf(Buffer.from(owner)));
}

export function encodePiece(piece: RootPiece): { name: string; bytes: Buffer } {
  const bytes = Buffer.from(canonicalJson(RootPiece.parse(piece)));
  return { name: `${piece.kind}-${hexOf(digestOf(bytes))}`, bytes };
}

/** Verified by its name. Throws RootCorrupted: nothing may be collected while a root cannot be read. */
export function decodePiece(file: RootFile, bytes: Buffer, store: string): StoredPiece {
  const { name, modifiedMs } = file;
  if (name.split('-')[1] !== hexOf(digestOf(bytes))) {
    throw new RootCorrupted(name, store, 'its bytes are not those that its name stands for');
  }
  const parsed = RootPiece.safeParse(JSON.parse(bytes.toString('utf8')));
  if (!parsed.success || ownerHex(parsed.data.owner) !== file.owner) {
    throw new RootCorrupted(name, store, 'it is no piece of a root that this release knows');
  }
  return { ...parsed.data, name, modifiedMs };
}
