import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { RlmClient } from '../../client/index.ts';
import { memoryStore } from '../../store/index.ts';
import { temporalAddress } from '../support/shared-server.ts';

// Scope: what a client says of runs that nobody works on, or that there are not. Runs with workers are in test/workflows.

let client: RlmClient;
beforeAll(async () => {
  const taskQueue = `nobody-${randomUUID()}`;
  client = await RlmClient.connect({ address: temporalAddress(), store: memoryStore(), taskQueue });
});
afterAll(() => client.close());

test('drafts need a worker, and say so', async () => {
  const { workflowId } = await client.start({ question: 'Q', input: 'text' });
  await expect(client.drafts(workflowId)).rejects.toThrow(
    `No worker of run ${workflowId} answered within 10 s; start one (rlm worker).`,
  );
  expect(await client.tree(workflowId)).toEqual({
    workflowId,
    status: 'RUNNING',
    progress: null,
    children: [],
  });
  await client.temporal.workflow.getHandle(workflowId).terminate();
}, 60_000);

test.each([
  ['drafts', (id: string) => client.drafts(id)],
  ['tree', (id: string) => client.tree(id)],
  ['steer', (id: string) => client.steering.steer(id, 'x')],
])('%s of no run names it', async (_, look) => {
  await expect(look("no'body")).rejects.toThrow(
    "There is no run with the id no'body; look it up in the Web UI.",
  );
});
