import { putText, textRefOf } from '../../store/index.ts';
import { finished } from '../workflows/states.ts';
import { waiting } from '../workflows/waiting-cell.ts';
import { type Scenario, untilShown } from './scenario.ts';

/** What people ask of a run under way. */
export const PEOPLE_SCENARIOS: Scenario[] = [
  steering(),
  {
    name: 'question-to-a-person',
    script: (store) => ({
      reply: () => ['ask_human()'],
      cell: async ({ delivery }) =>
        delivery === null
          ? waiting({ humans: [{ call: 1, question: textRefOf('Which lift?') }] })
          : finished({ answer: { content: await putText(store(), 'Done.'), ready: true } }),
    }),
    meanwhile: async (client, workflowId) => {
      const { id } = await untilShown(
        async () => (await client.progress(workflowId))?.questions?.[0],
      );
      await client.steering.answerHuman(workflowId, id, 'The old one.');
    },
  },
  cancelled(),
];

function steering(): Scenario {
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  return {
    name: 'steering',
    script: () => ({
      reply: async ({ turn }) => {
        await (turn === 1 ? first : second).promise;
        return [`x = ${turn}`];
      },
      cell: () => finished(),
    }),
    meanwhile: async (client, workflowId) => {
      const { steering: to } = client;
      const turnOf = async (): Promise<number> => (await client.progress(workflowId))?.turn ?? 0;
      await untilShown(async () => ((await turnOf()) === 1 ? true : null));
      await to.steer(workflowId, 'Look at page 3.');
      await to.extendBudget(workflowId, { turns: 40 });
      await to.editVariable(workflowId, 'hint', 1);
      await to.pause(workflowId);
      await to.resume(workflowId);
      first.resolve();
      await untilShown(async () => ((await turnOf()) === 2 ? true : null));
      await to.finishNow(workflowId);
      second.resolve();
    },
  };
}

function cancelled(): Scenario {
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  return {
    name: 'cancelled',
    script: () => ({
      reply: () => ['ask()'],
      cell: () => waiting({}),
      answer: async () => {
        asked.resolve();
        await held.promise;
      },
    }),
    meanwhile: async (client, workflowId) => {
      await asked.promise;
      await client.cancel(workflowId);
      held.resolve();
    },
  };
}
