import { CancellationScope, isCancellation, log } from '@temporalio/workflow';
import type { EndReason } from '../protocol/index.ts';
import { askForAnswer } from './ask-root.ts';
import { remainingMs } from './budget.ts';
import { addDraft } from './drafts.ts';
import { observe } from './observe.ts';
import { listVariables } from './list-variables.ts';
import { readClock, type RunContext } from './run-context.ts';

/** Ends that leave no time for one more call, or need none. */
const WITHOUT: readonly EndReason[] = ['answered', 'wallClock'];

/** An outage of the provider must not hold back for hours what a run that is over has to say. */
const LONGEST_MS = 10 * 60_000;

/**
 * When a run ends without a draft, the model is shown what the REPL holds and asked once for the answer that it allows.
 * True when it gave one, which is then the draft. Never throws but for cancellation: the run is over either way.
 */
export async function extractAnswer(context: RunContext, reason: EndReason): Promise<boolean> {
  const { state } = context;
  if (state.draft !== null || WITHOUT.includes(reason)) return false;
  const now = context.start.spec.clock === null ? readClock(context, state) : null;
  const limitMs = Math.min(LONGEST_MS, remainingMs(state, now) ?? LONGEST_MS);
  const reply = await orNull(
    CancellationScope.withTimeout(limitMs, async () => {
      showInterrupted(context);
      await orNull(listVariables(context));
      return await askForAnswer(context);
    }),
  );
  const answer = reply?.answer ?? null;
  if (reply === null || answer === null) return false;
  state.transcript = reply.transcript;
  addDraft(state, null, answer);
  return true;
}

/** What the cells of a turn that was ended in its middle have shown: the model has seen none of it. */
function showInterrupted(context: RunContext): void {
  const { state } = context;
  const ended = state.underWay?.ended ?? [];
  if (state.observation !== null || ended.length === 0) return;
  state.observation = observe(context, ended, [], null);
}

async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (isCancellation(error) && CancellationScope.current().consideredCancelled) throw error;
    log.warn('Asking for the answer at the end failed', { error });
    return null;
  }
}
