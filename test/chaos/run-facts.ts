import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { WorkflowFailedError } from '@temporalio/client';
import { z } from 'zod';
import { activitySteps } from '../../audit/activity-steps.ts';
import { readTrailAt } from '../../audit/index.ts';
import type { RlmClient, RunAnswer } from '../../client/index.ts';
import { CellOutcome, Digest, OpenReplResult, RunResult, StepKey } from '../../protocol/index.ts';
import { openStore } from '../../store/index.ts';

/** What a run did, as far as another run of the same seed must have done it too. */
export interface RunFacts {
  answer: string | null;
  reason: string;
  calls: number;
  turns: number;
  /** Every step of the run and its sub-runs, with the heap (or the journal) after it. */
  steps: string[];
  /** Steps that were tried more than once. */
  stepsAgain: number;
  executions: number;
}

const StepInput = z.object({ key: StepKey });

/** Reads a run's sealed trails, and those of its sub-runs. */
export async function factsOf(client: RlmClient, answer: RunAnswer): Promise<RunFacts> {
  const { workflowId, result } = answer;
  const facts: RunFacts = {
    answer: answer.answer,
    reason: result.reason,
    calls: result.spend.calls,
    turns: result.spend.turns,
    steps: [],
    stepsAgain: 0,
    executions: 0,
  };
  const ids = new Set<string>();
  for await (const { workflowId: id } of client.temporal.workflow.list()) {
    if (id === workflowId || id.startsWith(`${workflowId}/`)) ids.add(id);
  }
  const names = [...ids].map((id) => ({ id, name: nameOf(workflowId, id) }));
  for (const { id, name } of names.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const own = await resultOf(client, id);
    if (typeof own === 'string' || own.trail === null) {
      facts.steps.push(`${name} left no trail: ${typeof own === 'string' ? own : own.reason}`);
      continue;
    }
    const trail = await readTrailAt(client.store, own.trail, id);
    facts.executions += trail.executions.length;
    for (const step of activitySteps(trail)) {
      if (step.closed?.type !== 'ActivityTaskCompleted') continue;
      const what = stateAfter(step.name, step.input, step.closed.result);
      if (what === null) continue;
      facts.steps.push(`${name} ${what}`);
      if (step.attempts > 1) facts.stepsAgain += 1;
    }
  }
  return facts;
}

/** A sub-run that failed is a fact too: an undisturbed one has none. */
async function resultOf(client: RlmClient, id: string): Promise<RunResult | string> {
  try {
    return RunResult.parse(await client.temporal.workflow.getHandle(id).result());
  } catch (error) {
    if (!(error instanceof WorkflowFailedError)) throw error;
    return String(error.cause ?? error.message);
  }
}

/** Without what is drawn: `chaos/2.1.3-ab12` is `/2.1.3`. */
function nameOf(root: string, id: string): string {
  return id === root ? 'run' : id.slice(root.length).replaceAll(/-[0-9a-f]{4}(?=\/|$)/g, '');
}

function stateAfter(name: string, input: unknown, result: unknown): string | null {
  if (name === 'openRepl') return `opened ${OpenReplResult.parse(result).image.heapDigest}`;
  if (name !== 'runCell') return null;
  const { cell, cellAttempt } = StepInput.parse(input).key;
  const outcome = CellOutcome.parse(result);
  const at = `${cell}.${cellAttempt} ${outcome.kind}`;
  if (outcome.kind === 'finished') return `${at} ${outcome.image.heapDigest}`;
  return outcome.kind === 'waiting' ? `${at} ${outcome.journal}` : `${at} ${outcome.reason}`;
}

/** When the answer to a prompt was in the store, by the kernel's clock: not before `fromMs`, and surely at `atMs`. */
export interface StoredAnswer {
  fromMs: number;
  atMs: number;
}

export interface StoreFacts {
  /** By the prompt's digest at the model server. */
  answers: Map<string, StoredAnswer>;
  /** Blobs and records that cannot be read, or name what is not there. */
  broken: string[];
  blobs: number;
  records: number;
  /** What killed processes left in the scratch folder. */
  temporary: number;
}

const RecordFile = z.object({ key: z.string(), digest: Digest });

/** Reads every blob and record of a directory store, and checks each. */
export async function inspectStore(folder: string): Promise<StoreFacts> {
  const store = await openStore(folder);
  const facts: StoreFacts = { answers: new Map(), broken: [], blobs: 0, records: 0, temporary: 0 };
  for (const path of await filesIn(join(folder, 'blobs'))) {
    facts.blobs += 1;
    const digest = `sha256:${path.split('/').slice(-2).join('')}`;
    await store.blobs.get(digest).catch((error: unknown) => facts.broken.push(String(error)));
  }
  for (const path of await filesIn(join(folder, 'records'))) {
    facts.records += 1;
    const parsed = RecordFile.safeParse(asJson(await readFile(path, 'utf8')));
    if (!parsed.success) {
      facts.broken.push(`record ${path} is not whole`);
      continue;
    }
    const { key, digest } = parsed.data;
    if ((await store.records.find(key)) !== digest) facts.broken.push(`record ${key} is not found`);
    const bytes = await store.blobs.get(digest).catch((error: unknown) => {
      facts.broken.push(`record ${key}: ${String(error)}`);
      return null;
    });
    if (bytes === null || !/^(answer|turn)\//.test(key)) continue;
    const prompt = /\bq([0-9a-f]{16})\b/.exec(bytes.toString())?.[1];
    const info = await stat(path);
    if (prompt !== undefined)
      facts.answers.set(prompt, { fromMs: info.mtimeMs, atMs: info.ctimeMs });
  }
  facts.temporary = (await readdir(join(folder, 'scratch'))).length;
  return facts;
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
