import { afterEach, describe, expect, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import { FailureType } from '../../protocol/index.ts';
import { putText, textRefOf } from '../../store/index.ts';
import type { Script, World } from './fake-world.ts';
import { open, world } from './opened-world.ts';
import { ASKS, ready, refusedBy, until } from './steered-run.ts';

// Scope: questions that a run asks people. Rooms are scripted; server, worker, client and updates are real.

afterEach(() => world.close());

describe('a question to a person', () => {
  function asks(rest: Partial<Script> = {}): Script {
    return {
      reply: () => ['ask_human("Which of the two?")'],
      cell: ({ delivery }) => (delivery === null ? ASKS : ready()),
      ...rest,
    };
  }

  async function asked(client: World['client'], workflowId: string): Promise<void> {
    await until(async () => (await client.progress(workflowId))?.questions?.length === 1);
  }

  test('waits, is seen by those who watch, and goes on with the answer', async () => {
    const { client, cells, store } = await open(asks());
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await asked(client, workflowId);
    const before = await client.progress(workflowId);
    expect(before?.questions).toEqual([{ id: '1.1.1', question: textRefOf('Which of the two?') }]);
    const { memo } = await client.temporal.workflow.getHandle(workflowId).describe();
    expect(memo).toMatchObject({ progress: { questions: [{ id: '1.1.1' }] } });
    const after = await client.steering.answerHuman(workflowId, '1.1.1', 'The second.');
    expect(after.questions).toEqual([]);
    const { result } = await client.result(workflowId);
    const { digest } = await putText(store, 'The second.');
    expect(cells[1]?.delivery).toMatchObject({
      subRuns: [{ call: 1, text: digest, model: 'human' }],
    });
    // A person's answer is no sub-call.
    expect(result.spend.calls).toBe(0);
  });

  test('is answered once: others, and answers to nothing, are refused', async () => {
    const { client } = await open(asks());
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await asked(client, workflowId);
    await expect(client.steering.answerHuman(workflowId, '9.9.9', 'x')).rejects.toThrow(
      refusedBy(workflowId, 'No question 9.9.9 waits for an answer; these do: 1.1.1.'),
    );
    const answers = await Promise.allSettled(
      ['a', 'b'].map((text) => client.steering.answerHuman(workflowId, '1.1.1', text)),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    await client.result(workflowId);
  });

  test('takes no seat from sub-calls that go on', async () => {
    const answered: number[] = [];
    const { client, cells } = await open(
      asks({
        cell: ({ delivery }) =>
          delivery === null ? { ...ASKS, callCount: 3, previews: ['', 'a', 'b'] } : ready(),
        answer: ({ call }) => void answered.push(call),
      }),
    );
    const { workflowId } = await client.start({ question: 'Why?', input: 'text', concurrency: 1 });
    await until(async () => answered.length === 2);
    expect((await client.progress(workflowId))?.questions).toHaveLength(1);
    await client.steering.answerHuman(workflowId, '1.1.1', 'b');
    await client.result(workflowId);
    expect(cells[1]?.delivery).toMatchObject({ recorded: [[2, 3]], subRuns: [{ call: 1 }] });
  });

  test('waits on when its answer could not be stored', async () => {
    let broken = true;
    const { client, cells } = await open(
      asks({
        store: () => {
          if (!broken) return;
          throw ApplicationFailure.nonRetryable('The disk is full.', FailureType.blobMissing);
        },
      }),
    );
    const { workflowId } = await client.start({ question: 'Why?', input: 'text' });
    await asked(client, workflowId);
    await expect(client.steering.answerHuman(workflowId, '1.1.1', 'a')).rejects.toThrow(
      refusedBy(workflowId, 'The disk is full.'),
    );
    broken = false;
    await client.steering.answerHuman(workflowId, '1.1.1', 'b');
    await client.result(workflowId);
    expect(cells).toHaveLength(2);
  });
});
