import { putText, textRefOf } from '../../store/index.ts';
import { finished } from '../workflows/states.ts';
import { waiting } from '../workflows/waiting-cell.ts';
import { type Scenario, untilShown } from './scenario.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;

/** Runs and batches that others started, and runs that start from others. */
export const TREE_SCENARIOS: Scenario[] = [
  pausedTree('run-that-pauses-its-sub-run'),
  { ...pausedTree('paused-sub-run'), keep: 'child' },
  slowBatch('wide-round-with-a-slow-call'),
  { ...slowBatch('batch-with-a-slow-call'), keep: 'child' },
  lostBatch('batch-that-was-ended-twice', 2),
  lostBatch('batch-that-was-given-up', 5),
  {
    name: 'fork',
    script: (store) => ({
      resolved: {
        from: {
          workflowId: 'source',
          runId: '00000000-0000-0000-0000-000000000000',
          cell: '2.1',
          turn: 2,
          image: finished().image,
          transcript: DIGEST,
          cells: [],
          manifest: DIGEST,
          question: null,
          secret: '0'.repeat(64),
          draft: textRefOf('As far as I saw.'),
          runtime: 'test',
          clockMs: 0,
        },
      },
      reply: () => ['go_on()'],
      cell: async () =>
        finished({ answer: { content: await putText(store(), 'Done.'), ready: true } }),
    }),
  },
];

function pausedTree(name: string): Scenario {
  const held = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  return {
    name,
    script: (store) => ({
      reply: () => ['go()'],
      cell: async ({ key, journal }) => {
        const answer = { content: await putText(store(), 'Done.'), ready: true };
        if (journal !== null) return finished({ answer });
        if (key.workflowId.includes('/')) {
          began.resolve();
          await held.promise;
          return finished({ answer });
        }
        const prompt = textRefOf('Summarise.');
        return waiting({ subRuns: [{ call: 1, prompt, context: null, model: null }] });
      },
    }),
    meanwhile: async ({ steering }, workflowId) => {
      await began.promise;
      await steering.pause(workflowId);
      await steering.resume(workflowId);
      held.resolve();
    },
  };
}

function slowBatch(name: string): Scenario {
  const others = Promise.withResolvers<void>();
  let answered = 0;
  return {
    name,
    script: (store) => ({
      reply: () => ['ask()'],
      cell: async ({ delivery }) => {
        if (delivery === null) return waiting({ callCount: 501 });
        if (delivery.recorded.some(([from, to]) => from <= 7 && 7 <= to)) {
          return finished({ answer: { content: await putText(store(), 'Done.'), ready: true } });
        }
        return waiting({ firstCall: 502, callCount: 0 });
      },
      answer: async ({ call }) => {
        answered += 1;
        if (answered === 501) others.resolve();
        if (call !== 7) return;
        await others.promise;
        // Longer than the grace after which the batch hands over what it has.
        await new Promise((resolve) => setTimeout(resolve, 5000));
      },
    }),
  };
}

/** A batch that a person ends so often while it waits for one of its calls. */
function lostBatch(name: string, times: number): Scenario {
  const released = Promise.withResolvers<void>();
  let asked = 0;
  return {
    name,
    script: (store) => ({
      reply: () => ['ask()'],
      cell: async ({ delivery }) =>
        delivery === null
          ? waiting({ callCount: 501 })
          : finished({ answer: { content: await putText(store(), 'Done.'), ready: true } }),
      answered: () => [
        [1, 6],
        [8, 167],
      ],
      answer: async ({ call }) => {
        if (call !== 7) return;
        asked += 1;
        await released.promise;
      },
    }),
    meanwhile: async ({ temporal: { workflow } }, workflowId) => {
      for (let ended = 0; ended < times; ended++) {
        await untilShown(async () => (asked > ended ? true : null));
        const { events } = await workflow.getHandle(workflowId).fetchHistory();
        const batches = (events ?? []).flatMap(
          (event) => event.startChildWorkflowExecutionInitiatedEventAttributes?.workflowId ?? [],
        );
        const newest = batches.findLast((id) => id.includes('-calls-1-')) ?? '';
        await workflow.getHandle(newest).terminate('by a person');
      }
      released.resolve();
    },
  };
}
