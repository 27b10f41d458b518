import { z } from 'zod';
import * as caps from './caps.ts';
import { BlobRef, Digest } from './digest.ts';
import { PackageRef } from './package-ref.ts';

/** How the bytes of a blob become a Python value: `text` is a `str` (UTF-8), `json` what `json.loads` gives. */
export const ValueFormat = z.enum(['text', 'json']);
export type ValueFormat = z.infer<typeof ValueFormat>;

/** One leaf of a nested dict: `path` are its keys from the variable down; an empty path is the variable itself. */
export const ManifestEntry = z.object({
  path: z.array(z.string().min(1).max(500)).max(8),
  format: ValueFormat,
  blob: BlobRef,
  /** Characters of a text, or of the JSON text. */
  chars: z.int().nonnegative(),
  /** Makes a text a `Document`: a `str` that knows this. Absent: a plain `str`. */
  document: z
    .object({
      name: z.string().max(500),
      /** [start, end] of each page, in characters (code points) of the text. */
      pages: z.array(z.tuple([z.int().nonnegative(), z.int().nonnegative()])).optional(),
      metadata: z.record(z.string(), z.json()).optional(),
      /** Number of its first page when it is a later part of a text. */
      firstPage: z.int().positive().optional(),
    })
    .optional(),
  /** One of the parts of a text that is too large for one `str`: entries of one path, one behind the other, numbered from 0. */
  part: z.int().nonnegative().optional(),
  /** How it begins and ends, for prompts: a text whose blob need not be read for that. */
  excerpt: z.object({ head: z.string().max(1000), tail: z.string().max(1000) }).optional(),
});
export type ManifestEntry = z.infer<typeof ManifestEntry>;

/** Content of a manifest blob (JSON): the leaves of one variable, in order. */
export const Manifest = z.object({
  entries: z.array(ManifestEntry),
  /** What was guessed, split or left out on the way, a sentence each. */
  notes: z.array(z.string()).optional(),
});
export type Manifest = z.infer<typeof Manifest>;

/** A variable set or deleted by the engine before a cell's code. With cells, the only thing that changes a heap. */
export const Edit = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('set'), variable: z.string(), format: ValueFormat, blob: Digest }),
  /** Sets the variable to the nested dict of a manifest. */
  z.object({
    kind: z.literal('setManifest'),
    variable: z.string(),
    manifest: Digest,
    /** Into the dict that the variable is already, if it is one. */
    merge: z.boolean().optional(),
  }),
  /** Sets a key of a dict variable, for instance `answer["ready"] = False`. `json` is the new value. */
  z.object({
    kind: z.literal('setItem'),
    variable: z.string(),
    key: z.string(),
    json: z.string().max(2048),
  }),
  /** Sets a key of a dict variable to the value of a blob, for instance `out["3.1"]`. */
  z.object({
    kind: z.literal('setItemBlob'),
    variable: z.string(),
    key: z.string(),
    format: ValueFormat,
    blob: Digest,
  }),
  /** Extends a list variable by the list under `field` of a blob (JSON), for instance `history` by the messages of a transcript link. */
  z.object({
    kind: z.literal('extend'),
    variable: z.string(),
    field: z.string(),
    blob: Digest,
  }),
  z.object({ kind: z.literal('delete'), variable: z.string() }),
  /** Makes the functions of a toolbox blob (see `Toolbox`), in place of those of an earlier one. */
  z.object({ kind: z.literal('setTools'), toolbox: Digest }),
  /** Makes wheels importable. One that is there already in another version is replaced for later imports. */
  z.object({ kind: z.literal('addPackages'), packages: z.array(PackageRef).max(caps.PACKAGES) }),
]);
export type Edit = z.infer<typeof Edit>;
