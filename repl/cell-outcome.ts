import {
  type AnswerState,
  type CallRequest,
  caps,
  type CellWay,
  type Digest,
  type FinishedCell,
  type HeapImageRef,
  type JournalCall,
  type JournalLink,
  type RolledBackCell,
  type SubRunCall,
  type VariableChange,
  type WaitingCell,
  type TextRef,
} from '../protocol/index.ts';
import { putText, type Store } from '../store/index.ts';
import { previewsOf } from './call-previews.ts';
import { storeExtra } from './call-extra.ts';
import { storeText } from './cell-texts.ts';
import type { CellReport } from './host/host-protocol.ts';
import type { FaultKind } from './host/kernel-fault.ts';
import { appendLink, inParallel, storeRequests } from './journal.ts';
import { longestPrompt, modelsOf, repeatsOf } from './round-figures.ts';
import { outsideCalls } from './outside-calls.ts';

/** Bytes of all listed changes of an outcome, as JSON: an outcome stays far below a payload's limit. */
const CHANGES_BYTES = 24 * 1024;

/** Of `answer["citations"]` as JSON: what CITATIONS_CHARS can be at most, and the names. */
const CITATIONS_BYTES = 8 * 1024 * 1024;

export type WaitingReport = Extract<CellReport, { kind: 'waiting' }>;
export type FinishedReport = Extract<CellReport, { kind: 'finished' }>;

interface NewCall {
  number: number;
  request: CallRequest;
  preview: string;
}

/** The calls of a waiting report as requests; contexts of sub-runs are stored. */
async function requestsOf(
  store: Store,
  { calls }: WaitingReport,
  texts: readonly Buffer[],
): Promise<NewCall[]> {
  const textAt = (index: number): Buffer => texts[index] ?? Buffer.alloc(0);
  const prompts = calls.map(({ prompt }) => textAt(prompt).toString('utf8'));
  const previews = previewsOf(prompts);
  return inParallel(
    [...calls.entries()],
    async ([index, { number, kind, model, context, extra, tool }]) => {
      const text = prompts[index] ?? '';
      const stored = context && (await store.blobs.put(textAt(context.text)));
      const request: CallRequest = {
        kind,
        prompt: text,
        model,
        context: context && stored && { format: context.format, blob: stored.digest },
        ...(tool === null ? {} : { tool }),
        ...(extra === undefined || kind !== 'llm' ? {} : await storeExtra(store, textAt(extra))),
      };
      return { number, request, preview: kind === 'rlm' ? '' : (previews[index] ?? '') };
    },
  );
}

/** The new calls of a stop, as the journal names them. Their requests are in the store. */
export async function storeCalls(
  store: Store,
  report: WaitingReport,
  texts: readonly Buffer[],
): Promise<{ calls: JournalCall[]; requests: NewCall[] }> {
  const requests = await requestsOf(store, report, texts);
  return { requests, calls: await storeRequests(store, requests) };
}

/** Appends the round to the journal. */
export async function waitingOutcome(
  store: Store,
  state: {
    previous: Digest | null;
    firstCall: number;
    /** Sizes of the rounds before. */
    rounds: readonly number[];
    computeMs: number;
    way: CellWay;
  },
  calls: JournalCall[],
  requests: NewCall[],
): Promise<WaitingCell> {
  const { previous, firstCall, rounds, computeMs, way } = state;
  const link: JournalLink = {
    kind: 'round',
    previous,
    calls,
    rounds: [...rounds, calls.length].slice(0, 100),
    callsSoFar: firstCall - 1 + calls.length,
  };
  const subRuns = await inParallel(
    requests.filter(({ request }) => request.kind === 'rlm'),
    (call) => subRunOf(store, call),
  );
  return {
    kind: 'waiting',
    journal: await appendLink(store, link),
    firstCall,
    callCount: calls.length,
    previews: calls.slice(0, caps.LISTED_CALLS).map(({ preview }) => preview),
    subRuns,
    ...repeatsOf(calls),
    ...modelsOf(requests),
    longestPromptBytes: longestPrompt(requests, subRuns),
    ...(await outsideCalls(store, requests)),
    computeMs,
    way,
  };
}

/** A hundred sub-runs of one round travel in one outcome: of each prompt, its beginning. */
function inBrief({ digest, sizeBytes, chars, text, head }: TextRef): TextRef {
  return { digest, sizeBytes, chars, head: (text ?? head ?? '').slice(0, 80).toWellFormed() };
}

/** Characters as Python counts them. */
function sizeOf(utf8: Buffer): { sizeBytes: number; chars: number } {
  let following = 0;
  for (const byte of utf8) if ((byte & 0xc0) === 0x80) following += 1;
  return { sizeBytes: utf8.length, chars: utf8.length - following };
}

async function subRunOf(store: Store, { number, request }: NewCall): Promise<SubRunCall> {
  const { context } = request;
  return {
    call: number,
    prompt: inBrief(await putText(store, request.prompt)),
    context: context && { ...context, ...sizeOf(await store.blobs.get(context.blob)) },
    model: request.model,
  };
}

export async function finishedOutcome(
  store: Store,
  report: FinishedReport,
  texts: readonly Buffer[],
  rest: {
    image: HeapImageRef;
    journal: Digest | null;
    calls: number;
    rounds: number[];
    computeMs: number;
    way: CellWay;
  },
): Promise<FinishedCell> {
  const text = (index: number): Promise<FinishedCell['stdout']> =>
    storeText(store, texts[index] ?? Buffer.alloc(0));
  const { error } = report;
  const changes = listChanges(report.changes);
  const orNull = (index: number | null): Promise<TextRef> | null =>
    index === null ? null : text(index);
  // What is larger was forged: the session itself writes no such list.
  const cited = report.citations === null ? undefined : texts[report.citations];
  const mayCite = cited !== undefined && cited.length <= CITATIONS_BYTES;
  // Together: each waits for the disk.
  const [stdout, stderr, value, traceback, content, citations] = await Promise.all([
    text(report.stdout),
    text(report.stderr),
    orNull(report.value),
    orNull(error && error.traceback),
    orNull(report.content),
    mayCite ? storeText(store, cited) : null,
  ]);
  const answer: AnswerState = {
    content,
    ready: report.ready,
    ...(citations === null ? {} : { citations: withoutText(citations) }),
  };
  return {
    kind: 'finished',
    image: rest.image,
    stdout,
    stderr,
    value,
    error:
      error === null || traceback === null
        ? null
        : {
            type: printable(error.type, 200),
            message: error.message.slice(0, caps.ERROR_MESSAGE_CHARS).toWellFormed(),
            traceback,
          },
    changes,
    changesOmitted: report.changesOmitted + report.changes.length - changes.length,
    answer,
    journal: rest.journal,
    calls: rest.calls,
    rounds: rest.rounds.slice(0, 100),
    computeMs: rest.computeMs,
    way: rest.way,
  };
}

function withoutText({ digest, sizeBytes, chars }: TextRef): TextRef {
  return { digest, sizeBytes, chars };
}

function listChanges(changes: FinishedReport['changes']): VariableChange[] {
  const listed: VariableChange[] = [];
  let bytes = 0;
  for (const { name, change, type, size, preview } of changes.slice(0, caps.CHANGED_VARIABLES)) {
    const row: VariableChange = {
      name: printable(name, 200),
      change,
      type: printable(type, 100),
      size: size === null || !Number.isSafeInteger(size) ? null : size,
      preview: printable(preview, 200),
    };
    bytes += Buffer.byteLength(JSON.stringify(row));
    if (bytes > CHANGES_BYTES) break;
    listed.push(row);
  }
  return listed;
}

function printable(text: string, limit: number): string {
  return text.slice(0, limit).toWellFormed();
}

/** What the model is told when its cell was rolled back, by reason. */
const ROLLED_BACK: Record<
  FaultKind | 'divergence',
  { reason: RolledBackCell['reason']; advice: string }
> = {
  timeout: {
    reason: 'timeout',
    advice:
      'Do less in one cell, search instead of looping over characters, or avoid the expression that never ends.',
  },
  memory: { reason: 'memory', advice: 'Work on smaller pieces.' },
  limit: { reason: 'limit', advice: 'Write it without such deep recursion or so much at once.' },
  crash: { reason: 'crash', advice: 'Write it in another way.' },
  image: { reason: 'crash', advice: 'Run it again.' },
  divergence: { reason: 'divergence', advice: 'It is run afresh.' },
};

/** The outcome of a cell that changed nothing. `output` is what it had written until then. */
export async function rolledBackOutcome(
  store: Store,
  kind: FaultKind | 'divergence',
  message: string,
  output: CellOutput,
  rest: { computeMs: number; way: CellWay },
): Promise<RolledBackCell> {
  const { reason, advice } = ROLLED_BACK[kind];
  const text = `The cell was rolled back, all variables are as before it: ${message}. ${advice}`;
  return {
    kind: 'rolledBack',
    reason,
    message: text.slice(0, caps.ERROR_MESSAGE_CHARS).toWellFormed(),
    stdout: await storeText(store, output.stdout),
    stderr: await storeText(store, output.stderr),
    ...rest,
  };
}

export interface CellOutput {
  stdout: Buffer;
  stderr: Buffer;
}

/** The output that a report names; a waiting one names none. */
export function outputOf(report: CellReport, texts: readonly Buffer[]): CellOutput {
  const nothing = Buffer.alloc(0);
  if (report.kind === 'waiting') return { stdout: nothing, stderr: nothing };
  return { stdout: texts[report.stdout] ?? nothing, stderr: texts[report.stderr] ?? nothing };
}
