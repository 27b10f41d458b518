import { CancellationScope, log, patched, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { type CallBatchInput, numbersOf } from '../protocol/index.ts';
import { LIGHT } from './activity-options.ts';
import { type Arrival } from './rounds.ts';

/** A batch that is ended from outside is started again, so often in all: what it had answered is recorded, and found. */
const BATCH_ATTEMPTS = 5;
/** What runs did that began before there was a patch. */
const BATCH_ATTEMPTS_BEFORE = 2;

const { findAnswered } = proxyActivities<Activities>(LIGHT);

/** Whether a batch is worth another attempt after that one. */
export function mayStartAgain(attempt: number): boolean {
  if (attempt < BATCH_ATTEMPTS_BEFORE) return true;
  return attempt < BATCH_ATTEMPTS && triesLonger();
}

/**
 * What comes of each call of a batch that was given up for `failure`: its answer, when that is stored all the same, else
 * that it has none.
 */
export async function lostArrivals(
  { key, journal, calls }: Pick<CallBatchInput, 'key' | 'journal' | 'calls'>,
  failure: Arrival,
): Promise<(call: number) => Arrival> {
  // The calls of a cell that is over are nobody's any more.
  if (CancellationScope.current().consideredCancelled || !triesLonger()) return () => failure;
  try {
    const { answered } = await findAnswered.executeWithOptions(
      { summary: `cell ${key.cell} · answers of a batch that was lost` },
      [{ key, journal, calls }],
    );
    const found = new Set(numbersOf(answered));
    return (call) => (found.has(call) ? { kind: 'recorded' } : explained(failure));
  } catch (error) {
    log.warn('The answers of a lost batch could not be looked for', { error });
    return () => failure;
  }
}

/** "Terminated" tells a model nothing. */
function explained(failure: Arrival): Arrival {
  if (failure.kind !== 'failed' || failure.type !== 'TerminatedFailure') return failure;
  const message = `Not answered: the batch of calls that it was in was ended from outside ${BATCH_ATTEMPTS} times.`;
  return { ...failure, message };
}

function triesLonger(): boolean {
  return patched('batches-again');
}
