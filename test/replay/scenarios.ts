import { ApplicationFailure } from '@temporalio/common';
import { FailureType, GARBAGE_WORKFLOW, type WaitingCell } from '../../protocol/index.ts';
import { putText, textRefOf } from '../../store/index.ts';
import { finished, rolledBack } from '../workflows/states.ts';
import { HOST_SCENARIOS } from './host-scenarios.ts';
import { PEOPLE_SCENARIOS } from './people-scenarios.ts';
import { waiting } from '../workflows/waiting-cell.ts';
import type { Scenario } from './scenario.ts';
import { TREE_SCENARIOS } from './tree-scenarios.ts';

/** One run a feature whose commands a later change of the workflows must not alter. */
export const SCENARIOS: Scenario[] = [
  {
    name: 'collection-of-garbage',
    script: () => ({ reply: () => [], cell: () => finished() }),
    instead: { workflow: GARBAGE_WORKFLOW, args: [{ olderThanMs: null, dryRun: true }] },
  },
  {
    name: 'turns-confirmation-and-rollback',
    script: (store) => ({
      reply: ({ turn }) => (turn === 2 ? [] : [`cell_of(${turn})`]),
      cell: async ({ key }) => {
        if (key.cell === '1.1') return rolledBack();
        const answer = { content: await putText(store(), 'Done.'), ready: true };
        return finished({ answer, stdout: textRefOf(key.cell === '3.1' ? 'seen late' : '') });
      },
    }),
  },
  {
    name: 'rounds-late-and-failed-calls',
    script: (store) => ({
      reply: () => ['ask()'],
      cell: async ({ delivery }) => {
        if (delivery === null) return waiting({ callCount: 10 });
        if (delivery.recorded.some(([from, to]) => from <= 4 && 4 <= to)) {
          return finished({ answer: { content: await putText(store(), 'Done.'), ready: true } });
        }
        return waiting({ firstCall: 11, callCount: 0 });
      },
      answer: ({ call }) => {
        if (call === 7) throw ApplicationFailure.nonRetryable('No.', FailureType.modelRejected);
        return call === 4 ? new Promise((resolve) => setTimeout(resolve, 3000)) : undefined;
      },
    }),
  },
  {
    name: 'wide-round',
    script: (store) => ({
      reply: () => ['ask()'],
      cell: async ({ delivery }) =>
        delivery === null
          ? waiting({ callCount: 501, repeats: [[2, 2]], repeatCount: 1 })
          : finished({ answer: { content: await putText(store(), 'Done.'), ready: true } }),
    }),
  },
  {
    name: 'sub-run',
    script: (store) => ({
      reply: () => ['go()'],
      cell: async ({ key, journal }) => {
        const answer = { content: await putText(store(), 'Done.'), ready: true };
        if (key.workflowId.includes('/') || journal !== null) return finished({ answer });
        const prompt = textRefOf('Summarise.');
        return waiting({ subRuns: [{ call: 1, prompt, context: null, model: null }] });
      },
    }),
  },
  {
    name: 'tools',
    script: (store) => ({
      reply: () => ['look_up()'],
      cell: async ({ delivery }) => {
        if (delivery === null) {
          const tools: WaitingCell['tools'] = [
            { tool: 'lookUp', calls: [[1, 2]] },
            { tool: 'broken', calls: [[3, 3]] },
          ];
          return waiting({ callCount: 4, tools });
        }
        return finished({ answer: { content: await putText(store(), 'Done.'), ready: true } });
      },
      tools: {
        lookUp: () => ({ found: true }),
        broken: () => {
          throw ApplicationFailure.nonRetryable('No.', 'Broken');
        },
      },
    }),
  },
  {
    name: 'turns-used-up-with-a-fixed-clock',
    request: { budget: { turns: 2 }, seed: 'replay', clock: { startMs: 0, stepMs: 1000 } },
    script: () => ({ reply: () => ['x = 1'], cell: () => finished() }),
  },
  {
    name: 'citations',
    script: (store) => ({
      reply: () => ['cite()'],
      cell: async ({ key }) => {
        const fill = key.cell === '1.1' ? '1' : '2';
        const citations = { digest: `sha256:${fill.repeat(64)}`, sizeBytes: 1, chars: 1 };
        const content = await putText(store(), 'Done.');
        return finished({ answer: { content, ready: true, citations } });
      },
      cite: (list) =>
        list.includes('1111') ? ['Citation 1: these words do not stand there.'] : [],
    }),
  },
  {
    name: 'summary-and-answer-at-the-end',
    request: { budget: { turns: 2 } },
    script: () => ({
      reply: () => ['x = 1'],
      cell: ({ key }) => finished({ stdout: textRefOf(key.cell) }),
      turn: ({ purpose }) => ({
        transcriptTokens: 80_000,
        ...(purpose === 'answer' ? { answer: textRefOf('As far as I saw.') } : {}),
      }),
    }),
  },
  {
    name: 'refused-answers',
    script: (store) => {
      let checks = 0;
      return {
        reply: ({ turn }) => [`try_${turn}()`],
        cell: async ({ key }) =>
          finished({ answer: { content: await putText(store(), key.cell), ready: true } }),
        check: () => (checks++ === 0 ? ['answer.page: expected a number'] : []),
      };
    },
  },
  {
    name: 'equal-prompts-asked-once',
    request: { cache: 'run' },
    script: (store) => ({
      reply: () => ['ask()'],
      cell: async ({ delivery }) =>
        delivery === null
          ? waiting({ callCount: 3, repeats: [[2, 3]], repeatCount: 2 })
          : finished({ answer: { content: await putText(store(), 'Done.'), ready: true } }),
    }),
  },
  {
    name: 'budget-used-up',
    request: { budget: { calls: 2 } },
    script: (store) => ({
      reply: () => ['ask()'],
      cell: async ({ delivery }) =>
        delivery === null
          ? waiting({ callCount: 5 })
          : finished({ answer: { content: await putText(store(), 'Draft.'), ready: false } }),
    }),
  },
  {
    name: 'model-that-cannot-be-called',
    script: () => ({
      reply: () => {
        throw ApplicationFailure.nonRetryable('Wrong key.', FailureType.modelUnauthorized);
      },
      cell: () => finished(),
    }),
  },
  {
    name: 'mcp-tool',
    script: (store) => ({
      resolved: {
        tools: {
          toolbox: finished().image.blob,
          routes: [{ kind: 'mcp', name: 'search', server: 'docs', tool: 'search' }],
        },
      },
      reply: () => ['search()'],
      cell: async ({ delivery }) =>
        delivery === null
          ? waiting({ tools: [{ tool: 'search', calls: [[1, 1]] }] })
          : finished({ answer: { content: await putText(store(), 'Done.'), ready: true } }),
    }),
  },
  ...PEOPLE_SCENARIOS,
  ...HOST_SCENARIOS,
  ...TREE_SCENARIOS,
];
