import type { CellOutcome } from '../../protocol/index.ts';
import { putText } from '../../store/index.ts';
import { finished, rolledBack } from '../workflows/states.ts';
import { waiting } from '../workflows/waiting-cell.ts';
import type { Scenario } from './scenario.ts';

const [HOST, NOBODY] = ['replay-host', 'replay-nobody'];

function kept(queue: string): { place: NonNullable<CellOutcome['place']> } {
  return { place: { way: 'parked', host: 'machine/1/2', queue } };
}

/** Where steps go, when they fail there, and when an execution ends before its run. */
export const HOST_SCENARIOS: Scenario[] = [
  {
    name: 'host-queue-and-any-worker',
    script: (store) => ({
      reply: ({ turn }) => [`cell_of(${turn})`],
      cell: async ({ key, journal }) => {
        if (key.cell === '1.1') return journal === null ? waiting(kept(HOST)) : finished();
        return finished({ answer: { content: await putText(store(), 'Done.'), ready: true } });
      },
      hosts: { [HOST]: () => finished(kept(NOBODY)) },
    }),
  },
  {
    name: 'divergence',
    script: (store) => ({
      reply: () => ['ask()'],
      cell: async ({ key, journal }) => {
        if (journal === null) return waiting({ callCount: 2 });
        if (key.cellAttempt === 1) return { ...rolledBack(), reason: 'divergence' };
        return finished({ answer: { content: await putText(store(), 'Done.'), ready: true } });
      },
      reuse: () => [[1, 1]],
    }),
  },
  { ...manyRounds('continues-as-new'), keep: 'first execution' },
  manyRounds('continued'),
];

/** Three turns, and a cell of eight rounds that is cut in its middle. */
function manyRounds(name: string): Scenario {
  return {
    name,
    suggestAt: 60,
    script: (store) => {
      let rounds = 0;
      return {
        reply: ({ turn }) => [`cell_of(${turn})`],
        cell: async ({ key }) => {
          if (key.cell === '1.1') {
            rounds += 1;
            if (rounds <= 8) return waiting({ firstCall: rounds });
          }
          const ready = key.cell === '3.1';
          return finished({ answer: { content: await putText(store(), key.cell), ready } });
        },
      };
    },
  };
}
