import { FindAnsweredInput, type FindAnsweredResult } from '../protocol/index.ts';
import { findAnswered } from '../repl/index.ts';
import type { ActivityDeps, MainActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';

/** The calls of a lost batch whose answers were stored all the same. */
export function createFindAnswered({
  store,
}: Pick<ActivityDeps, 'store'>): MainActivities['findAnswered'] {
  return async function find(input: FindAnsweredInput): Promise<FindAnsweredResult> {
    return withHeartbeat(async () => ({
      answered: await findAnswered(store, FindAnsweredInput.parse(input)),
    }));
  };
}
