import { z } from 'zod';

/** [address, bytes] of a text in the kernel's heap. */
const TextPlace = z.tuple([z.int().nonnegative(), z.int().nonnegative()]);
export type TextPlace = z.infer<typeof TextPlace>;

const Waiting = z.object({
  calls: z.array(
    z.object({
      number: z.int().positive(),
      kind: z.enum(['llm', 'rlm', 'human', 'tool']),
      tool: z.string().max(200).nullable(),
      prompt: TextPlace,
      model: z.string().nullable(),
      context: z.object({ format: z.enum(['text', 'json']), text: TextPlace }).nullable(),
      extra: TextPlace.optional(),
    }),
  ),
});

const Finished = z.object({
  stdout: TextPlace,
  stderr: TextPlace,
  value: TextPlace.nullable(),
  error: z.object({ type: z.string(), message: z.string(), traceback: TextPlace }).nullable(),
  changes: z.array(
    z.tuple([
      z.string(),
      z.enum(['new', 'changed', 'deleted']),
      z.string(),
      z.number().nullable(),
      z.string(),
    ]),
  ),
  changesOmitted: z.int().nonnegative(),
  content: TextPlace.nullable(),
  citations: TextPlace.nullable(),
  ready: z.boolean(),
});

/** What a kernel says when nothing in it can go on. Untrusted: the model's code may have forged it, for its own run. */
export const KernelReport = z.union([
  Waiting,
  Finished,
  z.object({ stuck: z.literal(true) }),
  z.object({ fatal: z.string() }),
]);
export type KernelReport = z.infer<typeof KernelReport>;
