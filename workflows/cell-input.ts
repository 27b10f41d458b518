import type { RunCellInput, TextRef } from '../protocol/index.ts';
import { readClock, type RunContext } from './run-context.ts';
import { deriveKey } from './secrets.ts';

/** The step that begins a cell on the run's image. */
export function firstInput(context: RunContext, cell: string, code: TextRef): RunCellInput {
  const { state, ledger, scope } = context;
  const { limits, runtime } = state.resolved;
  const computeMs = Math.min(limits.computeMs, Math.ceil(ledger.left().computeMs ?? Infinity));
  return {
    key: { workflowId: scope, cell, cellAttempt: 1 },
    runtime,
    image: state.image,
    edits: state.edits,
    code,
    seed: deriveKey(state.secret, `cell ${cell}`),
    clockMs: readClock(context, state),
    limits: { ...limits, computeMs: Math.max(1, computeMs) },
    journal: null,
    delivery: null,
  };
}
