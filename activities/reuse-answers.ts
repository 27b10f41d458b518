import { ReuseAnswersInput, type ReuseAnswersResult } from '../protocol/index.ts';
import { reuseAnswers } from '../repl/index.ts';
import type { ActivityDeps, MainActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';

/** Answers that a cell was given before it was run afresh, recorded as those of the equal calls that it makes now. */
export function createReuseAnswers({
  store,
}: Pick<ActivityDeps, 'store'>): MainActivities['reuseAnswers'] {
  return async function reuse(input: ReuseAnswersInput): Promise<ReuseAnswersResult> {
    return withHeartbeat(async () => ({
      reused: await reuseAnswers(store, ReuseAnswersInput.parse(input)),
    }));
  };
}
