import { takeTurn } from '../models/index.ts';
import { NextTurnInput, NextTurnResult } from '../protocol/index.ts';
import type { ActivityDeps, ModelActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';

/** The root model's next reply. Stored under a record before it completes: a retry finds it and pays nothing. */
export function createNextTurn({
  store,
  registry,
}: Pick<ActivityDeps, 'store' | 'registry'>): ModelActivities['nextTurn'] {
  return async function nextTurn(input: NextTurnInput): Promise<NextTurnResult> {
    return withHeartbeat(async ({ attempt, signal, note }) => {
      const turn = NextTurnInput.parse(input);
      return NextTurnResult.parse(
        await takeTurn({
          store,
          registry,
          input: turn,
          attempt,
          signal,
          onProgress: (progress) => note({ ...progress }),
        }),
      );
    });
  };
}
