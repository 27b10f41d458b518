import { z } from 'zod';
import { Budget } from './budget.ts';
import * as caps from './caps.ts';
import { CellLimits, StepKey, StepPlace } from './cell.ts';
import { Digest } from './digest.ts';
import { ForkPoint, ForkSource } from './fork.ts';
import { HeapImageRef } from './heap-image.ts';
import { SourceList } from './input-source.ts';
import { CacheMode, ModelCard } from './model-card.ts';
import { PackageRef, ResolvedPackage } from './package-ref.ts';
import { TextRef } from './text-ref.ts';
import { ToolRoute } from './tool.ts';
import { Edit, ManifestEntry } from './variables.ts';

/** A virtual clock for runs that must be repeatable: the n-th reading of the workflow's time is `startMs + n * stepMs`. */
export const FixedClock = z.object({
  startMs: z.number().nonnegative(),
  stepMs: z.number().positive(),
});
export type FixedClock = z.infer<typeof FixedClock>;

/** What a run is asked to do. All large values are blobs that were stored before the run starts. */
export const RunSpec = z.object({
  question: TextRef,
  /** Leaves of `input_data`, already in the store. One entry with an empty path makes `input_data` that value. */
  inputs: z.array(ManifestEntry).max(200),
  /** Files and what else `ingest` makes `input_data` of; `inputs` is then empty. */
  sources: SourceList.optional(),
  /** Registry names; null is the registry's default. */
  model: z.string().min(1).max(200).nullable(),
  subModel: z.string().min(1).max(200).nullable(),
  budget: Budget.partial(),
  limits: CellLimits.partial(),
  /** Calls of this run in flight at the same time. */
  concurrency: z.int().min(1).max(500).optional(),
  /** How deep `rlm_query` may nest; 0 turns it into `llm_query`. */
  maxDepth: z.int().min(0).max(5).optional(),
  /** `run`, `shared`: equal sub-calls of a run, or of all runs, are asked once. `off` (default): each is a sample of its own. */
  cache: CacheMode.optional(),
  /** JSON Schema that `answer["content"]` (JSON text) must satisfy. */
  answerSchema: TextRef.nullable(),
  /**
   * When the model is asked to confirm a draft that it made ready: `unseen` (default) when the same reply had output
   * that it had not seen, `always`, or `never`.
   */
  confirm: z.enum(['unseen', 'always', 'never']).optional(),
  /** Makes the run's random numbers repeatable; without it the workflow draws a secret. */
  seed: z.string().min(1).max(200).nullable(),
  clock: FixedClock.nullable(),
  /** Blob of `ToolSpecs`: functions of the REPL that activities answer. */
  tools: Digest.optional(),
  /** MCP servers of the worker's configuration whose tools the REPL has. */
  mcp: z.array(z.string().min(1).max(100)).max(16).optional(),
  /** Pure-Python wheels that are importable in the REPL. */
  packages: z.array(PackageRef).max(caps.PACKAGES).optional(),
  /** Starts on heap and transcript of a step of another run. */
  from: ForkSource.optional(),
});
export type RunSpec = z.infer<typeof RunSpec>;

/** A `RunSpec` with every name resolved and every default filled in: what the workflow decides by. */
export const ResolvedSpec = z.object({
  root: ModelCard,
  sub: ModelCard,
  /** The other models that the deployment names: a sub-call may name one of them. */
  others: z.array(ModelCard).max(32).optional(),
  /** Runtime identity of the REPL and the task queue that serves it. */
  runtime: z.string().min(1),
  replQueue: z.string().min(1),
  budget: Budget,
  limits: CellLimits,
  concurrency: z.int().positive(),
  maxDepth: z.int().nonnegative(),
  cache: RunSpec.shape.cache,
  /** Blob of the `Toolbox`, and where each tool's calls go; absent without tools. */
  tools: z.object({ toolbox: Digest, routes: z.array(ToolRoute) }).optional(),
  /** The wheels of the spec, looked into; absent without any. */
  packages: z.array(ResolvedPackage).max(caps.PACKAGES).optional(),
  from: ForkPoint.optional(),
});
export type ResolvedSpec = z.infer<typeof ResolvedSpec>;

/** What a parent run hands to a sub-run beside its spec. */
export const ParentLink = z.object({
  workflowId: z.string(),
  call: z.string(),
  /** Names the sub-run in record keys: the same in each execution of its parent, so that a reset finds what it paid for. */
  scope: z.string().min(1).optional(),
  depth: z.int().positive(),
  /** The child's secret, derived from the parent's. */
  secret: z.string().regex(/^[0-9a-f]{64}$/),
});
export type ParentLink = z.infer<typeof ParentLink>;

/** The argument of `rlmRun`. */
export const RunStart = z.object({
  spec: RunSpec,
  parent: ParentLink.nullable(),
  /** Whether the server has the search attributes of `SEARCH_ATTRIBUTES`; an unknown one would block every workflow task. */
  searchAttributes: z.boolean(),
  /** State of the execution before this one, after continue-as-new. Opaque to everybody but the workflow. */
  carried: z.unknown().optional(),
});
export type RunStart = z.infer<typeof RunStart>;

/** The manifest of a run's inputs, for prompts and for the REPL. */
export const IngestResult = z.object({
  /** Manifest blob; see `Manifest`. */
  manifest: Digest,
  totalChars: z.int().nonnegative(),
  entryCount: z.int().nonnegative(),
  /** What was guessed, split or left out, a sentence each; the first ones. All stand in the manifest. */
  notes: z.array(z.string().max(caps.NOTE_CHARS)).max(caps.NOTES).optional(),
});
export type IngestResult = z.infer<typeof IngestResult>;

export const OpenReplResult = z.object({
  image: HeapImageRef,
  computeMs: z.number().nonnegative(),
  place: StepPlace.optional(),
});
export type OpenReplResult = z.infer<typeof OpenReplResult>;

/** Opens a REPL: the base image and the run's first edits, as a step without code. */
export const OpenReplInput = z.object({
  key: StepKey,
  runtime: z.string().min(1),
  edits: z.array(Edit),
  seed: z.string().regex(/^[0-9a-f]{64}$/),
  clockMs: z.number(),
  limits: CellLimits,
  /** The run's secret, recorded for a fork to go on with; the step itself does not read it. */
  secret: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});
export type OpenReplInput = z.infer<typeof OpenReplInput>;
