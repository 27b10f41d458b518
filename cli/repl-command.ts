import { ingest, loadSourceAccess } from '../documents/index.ts';
import { type CellLimits, Digest, type HeapImageRef, imageRecordKey } from '../protocol/index.ts';
import {
  findImage,
  ImageIncompatible,
  KernelCrashed,
  openRepl,
  takeOverImage,
} from '../repl/index.ts';
import {
  BlobMissing,
  type InputValue,
  keeping,
  keptBy,
  openStore,
  type Store,
  uploadRequestInputs,
} from '../store/index.ts';
import { modelsAreConfigured } from './check-models.ts';
import { CliError, EXIT } from './cli-error.ts';
import { homeFrom } from './home.ts';
import { say } from './output.ts';
import { type Answerer, echoAnswers, modelAnswers } from './repl-answers.ts';
import { readInputs } from './read-inputs.ts';
import { readPackages } from './read-packages.ts';
import { readCells, runCells } from './repl-cells.ts';
import { runPrompt } from './repl-prompt.ts';
import { ReplSession, type SessionSettings } from './repl-session.ts';

/** The options of `rlm repl`, as commander gives them. */
export interface ReplCommandOptions {
  input?: string[];
  strict?: boolean;
  package?: string[];
  image?: string;
  cells?: string;
  json?: boolean;
  answers?: 'echo' | 'model';
  timeoutS: number;
  memoryMib: number;
  seed?: string;
  restoreEach?: boolean;
}

/** Limits of a cell beside those that the command line gives. */
const LIMITS = {
  outputBytes: 16 * 2 ** 20,
  filesBytes: 64 * 2 ** 20,
  pendingCalls: 10_000,
} satisfies Partial<CellLimits>;
/** Cells from a file must give the same images each time, so their clock begins here and makes steps of a second. */
const FIXED_START_MS = Date.UTC(2026, 0, 1);
const FIXED_STEP_MS = 1000;
const FIXED_SEED = 'rlm repl';

/** Checks the options and everything that they name, then runs the cells or the prompt. Throws CliError and what other rooms say in one sentence. */
export async function runReplCommand(options: ReplCommandOptions): Promise<void> {
  checkOptions(options);
  const cells = options.cells === undefined ? null : await readCells(options.cells);
  const input = options.input === undefined ? undefined : await readInputs(options.input);
  const packages = await readPackages(options.package);
  const answerer = await answererOf(options);
  const home = homeFrom(process.env);
  const store = keeping(await openStore(home.storeLocation));
  const image = options.image === undefined ? null : await imageOf(store, options.image);
  const kernels = await keptBy('runtime images', () =>
    openRepl({ store, cacheDir: home.cacheDir }),
  );
  // What the session makes is its own, and what it starts from becomes that as well.
  const owner = `repl ${new Date().toISOString().slice(0, 19)} ${process.pid}`;
  try {
    await keptBy(owner, async () => {
      if (image !== null) await takeOverImage(store, image.blob);
    });
    await keptBy(owner, () => runSession());
  } catch (error) {
    throw toCliError(error);
  } finally {
    await kernels.dispose();
  }

  async function runSession(): Promise<void> {
    const settings = settingsOf(options, answerer);
    const manifest = input === undefined ? null : await manifestOf(store, input, options);
    const start = { image, manifest, packages };
    const session = await ReplSession.open(kernels, store, settings, start);
    if (cells !== null) return await runCells(session, store, cells, options.json === true);
    say(`${kernels.runtime} · ${answerer.about} · exit or Ctrl-D leaves`);
    await runPrompt(session, store, home.dir);
    say(`Open it again with: rlm repl --image ${session.image.heapDigest}`);
  }
}

function checkOptions({ cells, json, restoreEach, image, input }: ReplCommandOptions): void {
  if (cells === undefined && (json === true || restoreEach === true)) {
    throw usage('--json and --restore-each are for --cells: name the file with the cells.');
  }
  if (image !== undefined && !Digest.safeParse(image).success) {
    throw usage(`--image ${image} is no digest: expected sha256: and 64 hex digits.`);
  }
  if (cells === '-' && input?.some((one) => one === '-' || one.endsWith('=-')) === true) {
    throw usage('Standard input can be the cells or an input, not both.');
  }
}

/** As a worker does it for a run. */
async function manifestOf(
  store: Store,
  input: InputValue,
  { strict, memoryMib }: ReplCommandOptions,
): Promise<Digest> {
  const { inputs, sources } = await uploadRequestInputs(store, input, strict);
  const { manifest, notes = [] } = await ingest(store, inputs, {
    sources: sources?.list,
    heapMiB: memoryMib,
    access: loadSourceAccess(process.env),
  });
  for (const note of notes) say(`Note: ${note}.`);
  return manifest;
}

async function answererOf({ answers, cells }: ReplCommandOptions): Promise<Answerer> {
  const asked = answers ?? (cells === undefined && modelsAreConfigured() ? 'model' : 'echo');
  return asked === 'model' ? modelAnswers() : echoAnswers;
}

function settingsOf(options: ReplCommandOptions, answerer: Answerer): SessionSettings {
  const { timeoutS, memoryMib, restoreEach = false } = options;
  const limits = { ...LIMITS, computeMs: timeoutS * 1000, heapMiB: memoryMib };
  if (options.cells === undefined) {
    const seed = options.seed ?? crypto.randomUUID();
    return { limits, answerer, restoreEach, seed, now: () => Date.now() };
  }
  let reading = FIXED_START_MS - FIXED_STEP_MS;
  const now = (): number => (reading += FIXED_STEP_MS);
  return { limits, answerer, restoreEach, seed: options.seed ?? FIXED_SEED, now };
}

async function imageOf(store: Store, digest: string): Promise<HeapImageRef> {
  try {
    return await findImage(store, (await store.records.find(imageRecordKey(digest))) ?? digest);
  } catch (error) {
    if (!(error instanceof BlobMissing)) throw toCliError(error);
    throw new CliError(
      `There is no image ${digest} in ${store.describe()}: check the digest, and RLM_HOME or RLM_STORE.`,
      { cause: error },
    );
  }
}

/** What kernels say of an image or of their host is a sentence already. */
function toCliError(error: unknown): unknown {
  if (error instanceof ImageIncompatible || error instanceof KernelCrashed) {
    return new CliError(error.message, { cause: error });
  }
  return error;
}

function usage(message: string): CliError {
  return new CliError(message, { exitCode: EXIT.usage });
}
