import { ActivityFailure, ApplicationFailure } from '@temporalio/workflow';
import { addUsage, FailureType, type ModelCard } from '../protocol/index.ts';
import { neededBy } from './budget.ts';
import { modelActivities, type RunContext } from './run-context.ts';

/** Tokens of a transcript from which on it is summarised: room is left for what the model is shown next, and for its reply. */
export function longTranscript({ contextTokens, maxOutputTokens }: ModelCard): number {
  const beside = Math.max(contextTokens - maxOutputTokens, contextTokens / 4);
  return Math.floor(Math.min(contextTokens * 0.75, beside * 0.9));
}

/** Summarises the older turns when the transcript comes near the root model's context limit. */
export async function compactWhenLong(context: RunContext): Promise<void> {
  const { transcriptSize, resolved } = context.state;
  if (transcriptSize > longTranscript(resolved.root)) await compact(context);
}

/** Summarises the older turns. What it costs is settled; without the money for it the transcript stays as it is. */
export async function compact(context: RunContext): Promise<void> {
  const { state, ledger, scope } = context;
  if (state.transcript === null) return;
  const { root } = state.resolved;
  const { costUsd, tokens } = ledger.left();
  const input = {
    workflowId: scope,
    turn: state.turn,
    card: root,
    transcript: state.transcript,
    allowance: { costUsd, tokens, knownTokens: null },
  };
  try {
    const { transcript, usage } = await modelActivities(root).compactTranscript.executeWithOptions(
      { summary: `summary of the turns before ${state.turn} · ${root.name}` },
      [input],
    );
    state.spend.usage = addUsage(state.spend.usage, usage);
    state.transcript = transcript;
    // Counted anew with the next reply.
    state.transcriptSize = 0;
    state.transcriptTokens = null;
  } catch (error) {
    if (neededBy(error) === null) throw error;
  }
}

/** Whether a provider may have refused a turn for its length: then a summary is worth trying, once. */
export function isTooLong({ state }: RunContext, error: unknown): boolean {
  if (!(error instanceof ActivityFailure) || !(error.cause instanceof ApplicationFailure))
    return false;
  return (
    error.cause.type === FailureType.modelRejected &&
    state.transcriptSize > state.resolved.root.contextTokens / 4
  );
}
