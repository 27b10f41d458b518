import { z } from 'zod';
import { CellLimits, Digest } from '../../protocol/index.ts';
import { BaseDescription } from './base-description.ts';

/**
 * What a worker asks of its kernel host, and what it answers. Attachments are named by their index in the frame.
 * The worker decides everything durable; the host holds kernels and does the heavy work on their bytes.
 */
const Attachment = z.int().nonnegative();
const KernelId = z.int().positive();

export const HostRequest = z.discriminatedUnion('op', [
  /** Builds a base image: answered with its description and, attached, its snapshot. Only before any other request. */
  z.object({ op: z.literal('build') }),
  /** Takes the kernel that was parked under this key, if there is one: it is then nobody else's. */
  z.object({ op: z.literal('take'), key: z.string() }),
  /** A kernel at an image. Attachments: the blobs of its chain, oldest first, then the texts that its extents name; the digests are theirs. */
  z.object({
    op: z.literal('open'),
    chain: z.array(Digest),
    texts: z.array(Digest),
    heapDigest: Digest,
  }),
  z.object({
    op: z.literal('start'),
    kernel: KernelId,
    clockMs: z.number(),
    seed: z.string(),
    limits: CellLimits,
    /** What `runner.begin` takes; texts in it are attachments. */
    body: z.unknown(),
    /** Digests of the attachments; null for one that is no blob of its own. */
    texts: z.array(Digest.nullable()),
    /** Those of them that become `Document`s. */
    documents: z.array(Attachment),
  }),
  z.object({
    op: z.literal('deliver'),
    kernel: KernelId,
    limits: CellLimits,
    clockMs: z.number(),
    answers: z.array(z.unknown()),
  }),
  z.object({ op: z.literal('image'), kernel: KernelId }),
  /** Keeps a kernel under a key until it is taken or evicted. One that is there already is replaced. */
  z.object({ op: z.literal('park'), kernel: KernelId, key: z.string() }),
  z.object({ op: z.literal('destroy'), kernel: KernelId }),
  /** From now on parked kernels take no more than this; older ones go. */
  z.object({ op: z.literal('limitParked'), limitMiB: z.number().nonnegative() }),
]);
export type HostRequest = z.infer<typeof HostRequest>;

export const HostedCall = z.object({
  number: z.int().positive(),
  kind: z.enum(['llm', 'rlm', 'human', 'tool']),
  tool: z.string().max(200).nullable(),
  prompt: Attachment,
  model: z.string().max(200).nullable(),
  context: z.object({ format: z.enum(['text', 'json']), text: Attachment }).nullable(),
  /** JSON of what a sub-call shows beside its prompt; see `CallExtra`. */
  extra: Attachment.optional(),
});

/** What a stretch of model code came to. */
export const CellReport = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('waiting'), computeMs: z.number(), calls: z.array(HostedCall) }),
  z.object({
    kind: z.literal('finished'),
    computeMs: z.number(),
    stdout: Attachment,
    stderr: Attachment,
    value: Attachment.nullable(),
    error: z.object({ type: z.string(), message: z.string(), traceback: Attachment }).nullable(),
    changes: z.array(
      z.object({
        name: z.string(),
        change: z.enum(['new', 'changed', 'deleted']),
        type: z.string(),
        size: z.number().nullable(),
        preview: z.string(),
      }),
    ),
    changesOmitted: z.int().nonnegative(),
    content: Attachment.nullable(),
    citations: Attachment.nullable(),
    ready: z.boolean(),
  }),
  /** The kernel is gone already. */
  z.object({
    kind: z.literal('fault'),
    computeMs: z.number(),
    fault: z.enum(['timeout', 'memory', 'limit', 'crash', 'image']),
    message: z.string(),
    /** What the cell had written until then. */
    stdout: Attachment,
    stderr: Attachment,
  }),
]);
export type CellReport = z.infer<typeof CellReport>;

const TakeResult = z.object({ kernel: KernelId.nullable(), computeMs: z.number() });
const OpenResult = z.object({ kernel: KernelId });
/** Attached: the blob. */
const ImageResult = z.object({ heapDigest: Digest, heapBytes: z.int(), blob: Attachment });
const ParkResult = z.object({ parked: z.boolean() });
const DestroyResult = z.object({});
const LimitParkedResult = z.object({ parkedMiB: z.number().nonnegative() });

/** The answer to each request. */
export interface HostResult {
  build: BaseDescription;
  take: z.infer<typeof TakeResult>;
  open: z.infer<typeof OpenResult>;
  start: CellReport;
  deliver: CellReport;
  image: z.infer<typeof ImageResult>;
  park: z.infer<typeof ParkResult>;
  destroy: z.infer<typeof DestroyResult>;
  limitParked: z.infer<typeof LimitParkedResult>;
}
export type HostOp = keyof HostResult;

export const HOST_RESULTS: { [Op in HostOp]: z.ZodType<HostResult[Op]> } = {
  build: BaseDescription,
  take: TakeResult,
  open: OpenResult,
  start: CellReport,
  deliver: CellReport,
  image: ImageResult,
  park: ParkResult,
  destroy: DestroyResult,
  limitParked: LimitParkedResult,
};

export const HostReply = z.union([
  z.object({ id: z.int(), ok: z.literal(true), result: z.unknown() }),
  z.object({
    id: z.int(),
    ok: z.literal(false),
    fault: z.enum(['timeout', 'memory', 'limit', 'crash', 'image', 'gone', 'bug']),
    message: z.string(),
  }),
  /** Sent once, when the host can be asked: what its kernels are, and its process. */
  z.object({ ready: BaseDescription.nullable(), pid: z.int() }),
  /** The host cannot serve at all. */
  z.object({ refused: z.string() }),
]);
