import { z } from 'zod';
import {
  Budget,
  caps,
  CellLimits,
  FixedClock,
  ForkSource,
  type RunSpec,
  ToolSpecs,
} from '../protocol/index.ts';
import {
  checkWheels,
  type InputValue,
  InvalidInput,
  putText,
  type Store,
  uploadPackages,
  uploadRequestInputs,
} from '../store/index.ts';
import { type AnswerSchema, toJsonSchema } from './answer-schema.ts';
import { InvalidRequest } from './errors.ts';

/** By shape: bytes may come from another realm (a test runner's). */
function isBytes(value: unknown): boolean {
  return ArrayBuffer.isView(value) && 'length' in value && value.byteLength === value.length;
}

const Options = z.strictObject({
  question: z.string().trim().min(1, 'must not be empty').max(100_000),
  input: z.unknown().optional(),
  /** A document that cannot be read fails the run, also one of a folder or archive. Default: it is reported and left out. */
  strict: z.boolean().optional(),
  model: z.string().min(1).max(200).optional(),
  subModel: z.string().min(1).max(200).optional(),
  budget: Budget.partial().strict().optional(),
  limits: CellLimits.partial().strict().optional(),
  concurrency: z.int().min(1).max(500).optional(),
  maxDepth: z.int().min(0).max(5).optional(),
  /** `run`: equal sub-calls of the run are asked once; `shared`: of all runs on the same store. Default `off`: each is a sample of its own. */
  cache: z.enum(['off', 'run', 'shared']).optional(),
  answerSchema: z.looseObject({}).optional(),
  /** When the model is asked to confirm a ready draft. Default `unseen`: when the same reply had output that it had not seen. */
  confirm: z.enum(['unseen', 'always', 'never']).optional(),
  seed: z.string().min(1).max(200).optional(),
  clock: FixedClock.optional(),
  /** Activities that the REPL has as functions; see docs/tools.md. */
  tools: ToolSpecs.optional(),
  /** MCP servers of the worker's configuration whose tools the REPL has. */
  mcp: z.array(z.string().min(1).max(100)).max(16).optional(),
  /** Pure-Python wheels that are importable in the REPL: the name of each file, and its bytes. */
  packages: z
    .array(
      z.strictObject({
        file: z.string().min(1),
        bytes: z.custom<Uint8Array>(isBytes, 'expected bytes'),
      }),
    )
    .max(caps.PACKAGES)
    .optional(),
  /** Starts on heap and transcript of a step of another run. `input` then adds to its inputs. */
  from: ForkSource.optional(),
});

/** A question over an input of any size. `input` becomes `input_data` in the REPL: a text, files (`LocalFiles`, `FileBytes`, `RemoteFiles`), a dict (nested), or any JSON value. */
export type RunRequest = Omit<z.input<typeof Options>, 'input' | 'answerSchema'> & {
  /** The form of the answer: `answer["content"]` is then JSON that satisfies it. */
  answerSchema?: AnswerSchema;
  /** May be left out by a run that starts from another: it has the inputs of that one. */
  input?: InputValue;
};

/**
 * Checks a request, stores its texts and returns the spec to start. Nothing is stored when the request is refused.
 * Throws InvalidRequest, which names the path and what was expected.
 */
export async function toRunSpec(store: Store, request: RunRequest): Promise<RunSpec> {
  const parsed = Options.safeParse(request);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path.join('.') ?? '';
    throw new InvalidRequest(`The request is not valid: ${path || 'request'}: ${issue?.message}.`);
  }
  const options = parsed.data;
  // The request's own: a parsed copy of a zod schema is none.
  const schema =
    request.answerSchema === undefined ? undefined : toJsonSchema(request.answerSchema);
  if (request.input === undefined && options.from === undefined) {
    throw new InvalidRequest(
      'The request is not valid: input: expected text or another JSON value.',
    );
  }
  const wheels = options.packages ?? [];
  await checkWheels(wheels).catch((error: unknown) => {
    if (!(error instanceof InvalidInput)) throw error;
    throw new InvalidRequest(`The request is not valid: packages: ${error.message}.`);
  });
  const uploaded =
    request.input === undefined
      ? { inputs: [] }
      : await uploadRequestInputs(store, request.input, options.strict);
  const packages = await uploadPackages(store, wheels);
  return {
    question: await putText(store, options.question),
    ...uploaded,
    model: options.model ?? null,
    subModel: options.subModel ?? null,
    budget: options.budget ?? {},
    limits: options.limits ?? {},
    concurrency: options.concurrency,
    maxDepth: options.maxDepth,
    ...(options.cache === undefined ? {} : { cache: options.cache }),
    answerSchema: schema === undefined ? null : await putText(store, JSON.stringify(schema)),
    ...(options.confirm === undefined ? {} : { confirm: options.confirm }),
    seed: options.seed ?? null,
    clock: options.clock ?? null,
    // As it is written: parameters come in the order of the schema, which canonical JSON would not keep.
    ...(options.tools === undefined
      ? {}
      : { tools: (await putText(store, JSON.stringify(options.tools))).digest }),
    ...(options.mcp === undefined ? {} : { mcp: options.mcp }),
    ...(packages.length === 0 ? {} : { packages }),
    ...(options.from === undefined ? {} : { from: options.from }),
  };
}
