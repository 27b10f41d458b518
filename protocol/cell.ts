import { z } from 'zod';
import * as caps from './caps.ts';
import { Digest } from './digest.ts';
import { HeapImageRef } from './heap-image.ts';
import { CallRanges } from './call-ranges.ts';
import { Delivery } from './journal.ts';
import { TextRef } from './text-ref.ts';
import { Edit, ValueFormat } from './variables.ts';

/** Limits of one step. Part of its input, so that a limit comes at the same point wherever the step runs. */
export const CellLimits = z.object({
  /** Compute of the whole cell, all its stretches between waits; waiting for answers never counts. */
  computeMs: z.int().positive(),
  heapMiB: z.int().min(64).max(4096),
  /** stdout and stderr together; the rest is dropped and counted. */
  outputBytes: z.int().positive(),
  /** Files that the cell may hold in its in-memory file system. */
  filesBytes: z.int().positive(),
  /** Calls that may wait at the same time. */
  pendingCalls: z.int().positive(),
});
export type CellLimits = z.infer<typeof CellLimits>;

/** Names a step for parking and for answer records: the workflow, not one of its executions, so that a reset finds it. */
export const StepKey = z.object({
  workflowId: z.string().min(1),
  /** `turn.cell`, for instance `3.1`. */
  cell: z.string().regex(/^\d+\.\d+$/),
  /** Counts from 1; grows when a cell is rolled back and run afresh after a replay divergence. */
  cellAttempt: z.int().positive(),
});
export type StepKey = z.infer<typeof StepKey>;

/** Every input of a REPL step: the step is a pure function of it. */
export const RunCellInput = z.object({
  key: StepKey,
  /** Runtime identity (engine, Pyodide, image format, architecture), chosen at `openRepl`. */
  runtime: z.string().min(1),
  image: HeapImageRef,
  edits: z.array(Edit),
  code: TextRef,
  /** Hex key of the cell's entropy source, derived from the run's secret and the cell. */
  seed: z.string().regex(/^[0-9a-f]{64}$/),
  /** The virtual clock at the start of the cell, ms since the epoch. */
  clockMs: z.number(),
  limits: CellLimits,
  /** Newest journal link of a waiting cell; null starts the cell. */
  journal: Digest.nullable(),
  /** Answers to hand in now; null with a null journal. */
  delivery: Delivery.nullable(),
});
export type RunCellInput = z.infer<typeof RunCellInput>;

/** A variable as the outcome lists it. Previews are made from exact builtin types, never by the model's `__repr__`. */
export const VariableChange = z.object({
  name: z.string().max(200),
  change: z.enum(['new', 'changed', 'deleted']),
  type: z.string().max(100),
  /** `len()` of exact builtin containers and strings, else null. */
  size: z.int().nullable(),
  preview: z.string().max(200),
});
export type VariableChange = z.infer<typeof VariableChange>;

/** `answer` as it stands after a cell. `content` null while it is empty. A non-str content is given as JSON, else as its preview. */
export const AnswerState = z.object({
  content: TextRef.nullable(),
  ready: z.boolean(),
  /** Blob of `Citations`; absent while there are none. */
  citations: TextRef.optional(),
});
export type AnswerState = z.infer<typeof AnswerState>;

/** How a waiting cell came to this point: `fresh` before its first wait, then taken parked or rebuilt by replaying recorded answers. `StepPlace` says it of every step. */
export const CellWay = z.enum(['fresh', 'parked', 'replayed']);
export type CellWay = z.infer<typeof CellWay>;

/** Where a step ran, and what it found there. Not of the step's result: the same step gives the same anywhere. */
export const StepPlace = z.object({
  /** `parked`: in the kernel that waited or rested there. `restored`: in a new one, from the image. `replayed`: restored, and the cell's recorded answers handed in again. */
  way: z.enum(['parked', 'restored', 'replayed']),
  /** `machine/worker/kernel host`, the last two by process id. */
  host: z.string().max(300),
  /** Private task queue of the worker that keeps the kernel for the next step; absent when it keeps none, or has no time or memory for more. */
  queue: z.string().min(1).max(300).optional(),
});
export type StepPlace = z.infer<typeof StepPlace>;

export const RaisedError = z.object({
  type: z.string().max(200),
  message: z.string().max(caps.ERROR_MESSAGE_CHARS),
  traceback: TextRef,
});
export type RaisedError = z.infer<typeof RaisedError>;

/** A sub-run that the workflow must start for a waiting cell. */
export const SubRunCall = z.object({
  call: z.int().positive(),
  prompt: TextRef,
  context: z
    .object({
      format: ValueFormat,
      blob: Digest,
      sizeBytes: z.int().nonnegative(),
      chars: z.int().nonnegative().optional(),
    })
    .nullable(),
  model: z.string().nullable(),
});
export type SubRunCall = z.infer<typeof SubRunCall>;

/** A question to a person that a waiting cell asks. */
export const HumanCall = z.object({ call: z.int().positive(), question: TextRef });
export type HumanCall = z.infer<typeof HumanCall>;

/** Calls of one tool that a waiting cell makes. */
export const ToolCalls = z.object({ tool: z.string().max(200), calls: CallRanges });
export type ToolCalls = z.infer<typeof ToolCalls>;

/** The cell ran to its end; a Python exception is data (`error`), and what was assigned before it stays. */
export const FinishedCell = z.object({
  kind: z.literal('finished'),
  image: HeapImageRef,
  stdout: TextRef,
  stderr: TextRef,
  /** Echo of the last expression, as IPython shows it. */
  value: TextRef.nullable(),
  error: RaisedError.nullable(),
  changes: z.array(VariableChange).max(caps.CHANGED_VARIABLES),
  changesOmitted: z.int().nonnegative(),
  answer: AnswerState,
  journal: Digest.nullable(),
  calls: z.int().nonnegative(),
  /** Sizes of the cell's rounds, the first 100. */
  rounds: z.array(z.int()).max(100),
  computeMs: z.number().nonnegative(),
  way: CellWay,
  place: StepPlace.optional(),
});
export type FinishedCell = z.infer<typeof FinishedCell>;

/** The cell waits for calls. Nothing of it lives but (image, code, journal); a parked kernel is only a cache. */
export const WaitingCell = z.object({
  kind: z.literal('waiting'),
  journal: Digest,
  /** The new calls of this stop: numbers `firstCall` to `firstCall + callCount - 1`. 0 when it waits for older ones only. */
  firstCall: z.int().positive(),
  callCount: z.int().nonnegative(),
  /** Previews of the first LISTED_CALLS of them, in order; '' for a sub-run. */
  previews: z.array(z.string().max(caps.CALL_PREVIEW_CHARS + 4)).max(caps.LISTED_CALLS),
  subRuns: z.array(SubRunCall).max(caps.SUB_RUNS_A_ROUND),
  /** New calls whose request equals that of an earlier one of this stop, as far as 500 ranges name them; and how many there are. */
  repeats: CallRanges.max(500).optional(),
  repeatCount: z.int().nonnegative().optional(),
  /** UTF-8 bytes of the longest new prompt, its context included: what a call can cost at most is reckoned by it. */
  longestPromptBytes: z.int().nonnegative().optional(),
  /** New sub-calls that name a model, by it, as far as there is room: they are asked in its queue and reckoned at its price. */
  models: z
    .array(z.object({ model: z.string().max(200), calls: CallRanges.max(caps.MODEL_RANGES) }))
    .max(caps.MODELS_A_ROUND)
    .optional(),
  humans: z.array(HumanCall).max(caps.QUESTIONS_A_ROUND).optional(),
  tools: z.array(ToolCalls).max(caps.TOOL_CALLS_A_ROUND).optional(),
  computeMs: z.number().nonnegative(),
  way: CellWay,
  place: StepPlace.optional(),
});
export type WaitingCell = z.infer<typeof WaitingCell>;

export const RollBackReason = z.enum(['timeout', 'memory', 'crash', 'limit', 'divergence']);
export type RollBackReason = z.infer<typeof RollBackReason>;

/** The cell changed nothing: the next step starts from its input image. `message` is one sentence for the model. */
export const RolledBackCell = z.object({
  kind: z.literal('rolledBack'),
  reason: RollBackReason,
  message: z.string().max(caps.ERROR_MESSAGE_CHARS),
  stdout: TextRef,
  stderr: TextRef,
  computeMs: z.number().nonnegative(),
  way: CellWay,
  place: StepPlace.optional(),
});
export type RolledBackCell = z.infer<typeof RolledBackCell>;

export const CellOutcome = z.discriminatedUnion('kind', [
  FinishedCell,
  WaitingCell,
  RolledBackCell,
]);
export type CellOutcome = z.infer<typeof CellOutcome>;
