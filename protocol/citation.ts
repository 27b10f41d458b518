import { z } from 'zod';
import * as caps from './caps.ts';
import { Digest } from './digest.ts';
import { TextRef } from './text-ref.ts';

const Offset = z.int().nonnegative();

/** One item of `answer["citations"]` as it comes out of a kernel: words of an input, or offsets in it, or both. Untrusted. */
const Citation = z.object({
  /** Name of the input; null: any. */
  input: z
    .string()
    .max(2 * caps.INPUT_NAME_CHARS)
    .nullable(),
  /** At most QUOTE_CHARS code points, and one more when it was longer. */
  quote: z
    .string()
    .max(2 * (caps.QUOTE_CHARS + 1))
    .nullable(),
  /** Characters (code points) of the text; `end` is behind the last one. */
  start: Offset.nullable(),
  end: Offset.nullable(),
  /** Which part of a text in parts they count in. */
  part: Offset.nullable(),
  /** What the item was when it was no citation. */
  problem: z.string().max(400).optional(),
});
export type Citation = z.infer<typeof Citation>;

/** Content of a citations blob (JSON): `answer["citations"]` after a cell. */
export const Citations = z.object({
  citations: z.array(Citation).max(caps.CITATIONS),
  /** More of them than are taken. */
  omitted: z.int().nonnegative(),
});
export type Citations = z.infer<typeof Citations>;

/** A citation after the engine looked it up in the inputs themselves. */
export const CheckedCitation = z.object({
  /** The input that the words stand in, or the one that was named. */
  input: z.string().nullable(),
  /** The words as they stand in the input; of an unverified one as the model wrote them. */
  quote: z.string().nullable(),
  verified: z.boolean(),
  /** Only of a verified one: characters of the text; `page` where it has pages. */
  start: Offset.optional(),
  end: Offset.optional(),
  /** Of a text in parts: the one that they count in, from 0. */
  part: Offset.optional(),
  page: z.int().positive().optional(),
  /** Why it is not verified. */
  problem: z.string().max(caps.CITATION_PROBLEM_CHARS).optional(),
});
export type CheckedCitation = z.infer<typeof CheckedCitation>;

/** Content of a report blob (JSON), in the order of the model's list. */
export const CitationReport = z.object({ citations: z.array(CheckedCitation) });
export type CitationReport = z.infer<typeof CitationReport>;

export const CheckCitationsInput = z.object({
  citations: TextRef,
  /** Of all inputs that the run's REPL was given, newest first: of equal names the first one counts. */
  manifests: z.array(Digest).max(caps.MANIFESTS),
});
export type CheckCitationsInput = z.infer<typeof CheckCitationsInput>;

/** What the history keeps of a check: how many hold, and of those that do not which and why, as sentences for the model. */
export const CitationCheck = z.object({
  /** Blob of the `CitationReport`. */
  report: Digest,
  total: z.int().nonnegative(),
  verified: z.int().nonnegative(),
  problems: z.array(z.string().max(caps.CITATION_PROBLEM_CHARS)).max(20),
});
export type CitationCheck = z.infer<typeof CitationCheck>;
