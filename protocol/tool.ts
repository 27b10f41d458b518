import { z } from 'zod';
import * as caps from './caps.ts';
import { StepKey } from './cell.ts';
import { Digest } from './digest.ts';

const RESULT_NAME = z.string().min(1).max(200);

/** A tool that a caller offers: any activity, on any task queue, in any language. */
export const ToolSpec = z.strictObject({
  name: z.string().min(1).max(100),
  description: z.string().max(8000).default(''),
  /** JSON Schema of its one argument, an object. */
  parameters: z.record(z.string(), z.unknown()).default({ type: 'object', properties: {} }),
  /** Activity type. Default: the name. */
  activity: RESULT_NAME.optional(),
  taskQueue: RESULT_NAME,
  /** Of one attempt, ms. Default 60,000. */
  timeoutMs: z.int().positive().max(86_400_000).optional(),
  /** Default 3. */
  attempts: z.int().positive().max(1000).optional(),
});
export type ToolSpec = z.infer<typeof ToolSpec>;

/** Content of the blob that `RunSpec.tools` names. */
export const ToolSpecs = z.array(ToolSpec).max(caps.TOOLS);
export type ToolSpecs = z.infer<typeof ToolSpecs>;

/** One parameter of a tool as Python sees it. */
export const ToolParameter = z.object({
  /** Name in Python. */
  name: z.string(),
  /** Name in the JSON Schema. */
  property: z.string(),
  required: z.boolean(),
  /** Python type, for the signature. */
  type: z.string(),
  /** JSON of the default; absent when the schema has none. */
  default: z.string().optional(),
  nullable: z.boolean(),
});
export type ToolParameter = z.infer<typeof ToolParameter>;

/** A tool as a function of the REPL. */
export const ToolFunction = z.object({
  name: z.string(),
  /** `(city: str, *, days: int = 3)` */
  signature: z.string(),
  doc: z.string(),
  parameters: z.array(ToolParameter),
  /** JSON Schema of the arguments, which are checked by it. */
  schema: z.record(z.string(), z.unknown()),
});
export type ToolFunction = z.infer<typeof ToolFunction>;

/** Content of a toolbox blob (JSON): the functions that a run's tools are in its REPL. */
export const Toolbox = z.object({ functions: z.array(ToolFunction) });
export type Toolbox = z.infer<typeof Toolbox>;

/** Where a tool's calls go: what the workflow needs of it. */
export const ToolRoute = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('activity'),
    name: z.string(),
    activity: z.string(),
    taskQueue: z.string(),
    timeoutMs: z.int().positive(),
    attempts: z.int().positive(),
  }),
  /** A tool of an MCP server that the worker's configuration names. */
  z.object({ kind: z.literal('mcp'), name: z.string(), server: z.string(), tool: z.string() }),
]);
export type ToolRoute = z.infer<typeof ToolRoute>;

/** Names one call of a tool: its request is found through the journal. */
export const ToolCallRef = z.object({
  key: StepKey,
  journal: Digest,
  call: z.int().positive(),
  tool: z.string(),
});
export type ToolCallRef = z.infer<typeof ToolCallRef>;

export const CheckArgumentsInput = ToolCallRef.extend({ toolbox: Digest });
export type CheckArgumentsInput = z.infer<typeof CheckArgumentsInput>;

/** `call`: make it, with these arguments (JSON). `settled`: its answer is a record already, by an earlier attempt or because the arguments do not fit. */
export const CheckArgumentsResult = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('call'), json: z.string() }),
  z.object({ kind: z.literal('settled') }),
]);
export type CheckArgumentsResult = z.infer<typeof CheckArgumentsResult>;

export const RecordToolResultInput = ToolCallRef.extend({ result: z.unknown() });
export type RecordToolResultInput = z.infer<typeof RecordToolResultInput>;

export const CallMcpToolInput = CheckArgumentsInput.extend({
  server: z.string(),
  remoteTool: z.string(),
});
export type CallMcpToolInput = z.infer<typeof CallMcpToolInput>;
