import { type StepKey, type WaitingCell, numbersOf } from '../protocol/index.ts';
import { ByteGate } from './byte-gate.ts';
import { humanArrival } from './human-questions.ts';
import { type Arrival } from './rounds.ts';
import type { RunContext } from './run-context.ts';
import { toolArrival } from './tool-calls.ts';

/** Arguments and results of a round's tools that may be on their way at the same time. */
const TOOL_BYTES = 512 * 1024;

export interface SpecialCall {
  make: () => Promise<Arrival>;
  /** It costs nothing while it waits: it takes no seat from calls that do. */
  isFree: boolean;
}

/** The new calls of a waiting cell that no model answers, by number: questions to a person, and calls of tools. */
export function specialCalls(
  context: RunContext,
  key: StepKey,
  waiting: WaitingCell,
): Map<number, SpecialCall> {
  const calls = new Map<number, SpecialCall>();
  for (const asked of waiting.humans ?? []) {
    calls.set(asked.call, {
      make: () => humanArrival(context, key.cell, asked),
      isFree: true,
    });
  }
  const gate = new ByteGate(TOOL_BYTES);
  const { journal, firstCall, callCount, previews } = waiting;
  for (const { tool, calls: ranges } of waiting.tools ?? []) {
    for (const call of numbersOf(ranges)) {
      const index = call - firstCall;
      const position = `${tool} ${index + 1}/${callCount} · ${previews[index] ?? ''}`;
      const at = { key, journal, call, tool };
      calls.set(call, { make: () => toolArrival(context, at, position, gate), isFree: false });
    }
  }
  return calls;
}
