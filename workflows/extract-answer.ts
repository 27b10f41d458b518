import { CancellationScope, isCancellation, log } from '@temporalio/workflow';
import type { EndReason } from '../protocol/index.ts';
import { askForAnswer } from './ask-root.ts';
import { addDraft } from './drafts.ts';
import type { RunContext } from './run-context.ts';

/** Ends that leave no time for one more call, or need none. */
const WITHOUT: readonly EndReason[] = ['answered', 'wallClock'];

/**
 * When a run ends without a draft, the model is asked once for the answer that what it has seen allows. True when it
 * gave one, which is then the draft. Never throws but for cancellation: the run is over either way.
 */
export async function extractAnswer(context: RunContext, reason: EndReason): Promise<boolean> {
  const { state } = context;
  if (state.draft !== null || WITHOUT.includes(reason)) return false;
  try {
    const reply = await askForAnswer(context);
    const answer = reply?.answer ?? null;
    if (reply === null || answer === null) return false;
    state.transcript = reply.transcript;
    addDraft(state, null, answer);
    return true;
  } catch (error) {
    if (isCancellation(error) && CancellationScope.current().consideredCancelled) throw error;
    log.warn('The answer could not be asked for', { error });
    return false;
  }
}
