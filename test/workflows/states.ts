import {
  type FinishedCell,
  type ModelCard,
  type RolledBackCell,
  type RunStart,
  type TextRef,
} from '../../protocol/index.ts';
import { textRefOf } from '../../store/index.ts';
import { openState, type RunState } from '../../workflows/run-state.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;
const IMAGE = { blob: DIGEST, heapDigest: DIGEST, storedBytes: 0, heapBytes: 0 };
export const EMPTY: TextRef = textRefOf('');

export const CARD: ModelCard = {
  name: 'root-model',
  model: 'root-model',
  contextTokens: 100_000,
  maxOutputTokens: 1000,
  prices: null,
  timeoutMs: 10_000,
  taskQueue: 'rlm-model',
  standIn: false,
};

export function freshState(): RunState {
  return openState(
    {
      resolved: {
        root: CARD,
        sub: { ...CARD, name: 'sub-model' },
        runtime: 'test',
        replQueue: 'rlm-repl-test',
        budget: { turns: 30, calls: 1000, costUsd: 1, tokens: null, wallClockMs: null },
        limits: {
          computeMs: 60_000,
          heapMiB: 256,
          outputBytes: 1000,
          filesBytes: 1000,
          pendingCalls: 1000,
        },
        concurrency: 64,
        maxDepth: 1,
      },
      manifest: DIGEST,
      secret: '0'.repeat(64),
      image: IMAGE,
      startedMs: 0,
      clockReadings: 0,
    },
    0,
  );
}

/** A cell that finished silently, with changes to it. */
export function finished(changes: Partial<FinishedCell> = {}): FinishedCell {
  return {
    kind: 'finished',
    image: IMAGE,
    stdout: EMPTY,
    stderr: EMPTY,
    value: null,
    error: null,
    changes: [],
    changesOmitted: 0,
    answer: { content: null, ready: false },
    journal: null,
    calls: 0,
    rounds: [],
    computeMs: 1,
    way: 'fresh',
    ...changes,
  };
}

export function rolledBack(): RolledBackCell {
  return {
    kind: 'rolledBack',
    reason: 'timeout',
    message: 'The cell took too long.',
    stdout: EMPTY,
    stderr: EMPTY,
    computeMs: 1,
    way: 'fresh',
  };
}

/** The argument of a run without anything special. */
export const START: RunStart = {
  spec: {
    question: EMPTY,
    inputs: [],
    model: null,
    subModel: null,
    budget: {},
    limits: {},
    answerSchema: null,
    seed: null,
    clock: null,
  },
  parent: null,
  searchAttributes: false,
};
