import { z } from 'zod';
import * as caps from './caps.ts';
import { BlobRef } from './digest.ts';

/** A pure-Python wheel in the store, by the name of its file. Its digest is the SHA-256 that package indexes list. */
export const PackageRef = z.object({
  file: z.string().min(1).max(caps.WHEEL_NAME_CHARS),
  blob: BlobRef,
});
export type PackageRef = z.infer<typeof PackageRef>;

/** A wheel that was looked into: what it is called, and the names by which its modules are imported. */
export const ResolvedPackage = PackageRef.extend({
  name: z.string().max(caps.WHEEL_NAME_CHARS),
  version: z.string().max(caps.WHEEL_NAME_CHARS),
  /** The first ones, in order. */
  modules: z.array(z.string().max(caps.MODULE_NAME_CHARS)).max(caps.LISTED_MODULES),
});
export type ResolvedPackage = z.infer<typeof ResolvedPackage>;
