import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { InvalidRequest, RlmClient } from '../../client/index.ts';
import { runOwner, scheduleOwner } from '../../protocol/index.ts';
import { collect, digestOf, forget, memoryStore, type Store } from '../../store/index.ts';
import { temporalAddress } from '../support/shared-server.ts';

// Scope: what a client stores for a run or schedule that no worker has taken up yet.

let client: RlmClient;
let store: Store;

beforeAll(async () => {
  store = memoryStore();
  const taskQueue = `nobody-${randomUUID()}`;
  client = await RlmClient.connect({ address: temporalAddress(), store, taskQueue });
});
afterAll(async () => client.close());

const INPUT = 'x'.repeat(10_000);

async function survives(text: string): Promise<boolean> {
  // Without any grace: only what a root names stays.
  await new Promise((done) => setTimeout(done, 5));
  await collect(store, { graceMs: 0 });
  return store.blobs.has(digestOf(Buffer.from(text)));
}

describe('a run that is about to be started', () => {
  test('has a root with its question and inputs before a worker knows of it', async () => {
    const workflowId = `starting-${randomUUID()}`;
    await client.start({ question: 'What?', input: { a: INPUT } }, { workflowId });
    expect(await survives(INPUT)).toBe(true);
    expect(await survives('What?')).toBe(true);
    const root = await store.roots.find(runOwner(workflowId));
    expect(root?.pieces.map(({ kind }) => kind).toSorted()).toEqual(['kept', 'made']);
    // It says which server knows the run, so that no other one is asked.
    expect(root?.pieces.find(({ kind }) => kind === 'made')?.server).toMatch(/^[0-9a-f-]{36}$/);
    await expect(client.garbage.forget(workflowId)).rejects.toThrow(InvalidRequest);
    expect((await client.garbage.collect({ olderThanMs: 1 })).forgotten).toBe(0);
    await client.temporal.workflow.getHandle(workflowId).terminate();
    await client.garbage.forget(workflowId);
    await expect(client.start({ question: 'What?', input: 'y' }, { workflowId })).rejects.toThrow(
      `run ${workflowId} was forgotten and its values are being removed from`,
    );
    expect(await survives(INPUT)).toBe(false);
  });

  test('takes over the values of a spec that was stored before', async () => {
    const workflowId = `spec-${randomUUID()}`;
    const { digest, sizeBytes } = await store.blobs.put(Buffer.from('Which?'));
    const spec = {
      question: { digest, sizeBytes, chars: 6 },
      inputs: [],
      model: null,
      subModel: null,
      budget: {},
      limits: {},
      answerSchema: null,
      seed: null,
      clock: null,
    };
    await client.startSpec(spec, { workflowId });
    expect(await survives('Which?')).toBe(true);
    await client.temporal.workflow.getHandle(workflowId).terminate();
  });
});

test('a schedule keeps its spec until it is deleted and forgotten', async () => {
  const id = `schedule-${randomUUID()}`;
  const input = 'y'.repeat(10_000);
  await client.schedules.create(id, { question: 'When?', input }, { everyMs: 86_400_000 });
  expect(await survives(input)).toBe(true);
  await expect(client.garbage.forgetSchedule(id)).rejects.toThrow(`${scheduleOwner(id)} goes on`);
  await client.schedules.delete(id);
  expect(await survives(input)).toBe(true);
  await client.garbage.forgetSchedule(id);
  expect(await survives(input)).toBe(false);
  expect(await forget(store, scheduleOwner(id))).toBe(false);
});
