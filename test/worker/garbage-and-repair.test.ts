import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { RlmClient, RunFailed } from '../../client/index.ts';
import { type ScriptedModel, startScriptedModel } from '../../examples/support/scripted-model.ts';
import { runOwner } from '../../protocol/index.ts';
import { collect, digestOf, forget, openStore, type Store } from '../../store/index.ts';
import { loadWorkerConfig, type WorkerConfig } from '../../worker/config.ts';
import type { RunningWorker } from '../../worker/index.ts';
import { startWorker } from '../../worker/start-worker.ts';
import { openWorkplace } from '../cli/rlm-command.ts';
import '../support/quiet-worker.ts';
import { temporalAddress, workflowBundlePath } from '../support/shared-server.ts';

// Scope: real runs whose store loses what it may lose, between the workers that run them: garbage, and heap images.

const INPUT = 'one two three '.repeat(20_000);
/** Of a run that waits for a person in its second turn, after sub-calls and a sub-run. */
const CELLS = [
  'said = llm_query_batched([f"say {w}" for w in input_data.split()[:3]])\nchild = rlm_query("Q: child", context="abc")\nprint(said, child)',
  'more = ask_human("go on?")\nanswer["content"] = f"{len(input_data)} {said} {child} {more}"; answer["ready"] = True',
];
const CHILD = 'answer["content"] = input_data.upper(); answer["ready"] = True';
const AFTER = 'answer["content"] = "after: " + more + str(len(input_data)); answer["ready"] = True';
const ANSWER = `${INPUT.length} ['re one', 're two', 're three'] ABC yes`;

let home: string;
let model: ScriptedModel;
let config: WorkerConfig;
let client: RlmClient;
let worker: RunningWorker;
let store: Store;

async function work(): Promise<void> {
  worker = await startWorker(config, {
    env: { OPENAI_BASE_URL: model.baseUrl, RLM_MODEL: 'root-model', RLM_SUB_MODEL: 'helper-model' },
    bundle: { codePath: workflowBundlePath() },
  });
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'rlm-garbage-'));
  model = await startScriptedModel({
    root: (messages, turn) => {
      const said = messages.map(({ content }) => content);
      const first = said.map((text) => /Q: (parent|child)/.exec(text)?.[1]).find(Boolean);
      const own = first === 'child' ? CHILD : CELLS[turn - 1];
      const code = said.some((text) => text.includes('Q: after')) ? AFTER : own;
      return `\`\`\`python\n${code}\n\`\`\``;
    },
    sub: (prompt) => prompt.replace('say ', 're '),
  });
  config = loadWorkerConfig({
    ...process.env,
    TEMPORAL_ADDRESS: temporalAddress(),
    RLM_TASK_QUEUE: `garbage-${randomUUID()}`,
    RLM_HOME: home,
  });
  await work();
  const { storeLocation, taskQueue } = config;
  client = await RlmClient.connect({ address: temporalAddress(), store: storeLocation, taskQueue });
  store = await openStore(storeLocation);
});
afterAll(async () => {
  await model.close();
  await client.close();
  await worker.shutdown();
  await rm(home, { recursive: true, force: true });
});

async function startWaiting(input = INPUT): Promise<{ workflowId: string; question: string }> {
  const request = { question: 'Q: parent', input, confirm: 'never' as const };
  const { workflowId } = await client.start(request, { workflowId: `garbage-${randomUUID()}` });
  for (;;) {
    const question = (await client.progress(workflowId))?.questions?.[0]?.id;
    if (question !== undefined) return { workflowId, question };
    await new Promise((done) => setTimeout(done, 200));
  }
}

function fileOf(digest: string): string {
  return join(config.storeLocation, 'blobs', digest.slice(7, 9), digest.slice(9));
}

async function heapImages(): Promise<string[]> {
  const images: string[] = [];
  for await (const { digest } of store.upkeep.blobs()) {
    const blob = await store.blobs.get(digest);
    if (blob.subarray(0, 7).toString() === 'RLMHEAP') images.push(digest);
  }
  return images;
}

/** By the command, from the steps of the run and of those that it started from, as far as they are not forgotten. */
async function repairs(workflowId: string): Promise<void> {
  const place = await openWorkplace();
  const repair = async (): Promise<unknown> => {
    const { stdout, stderr } = await place.rlm(['repair', workflowId, '--json'], {
      TEMPORAL_ADDRESS: temporalAddress(),
      RLM_HOME: home,
    });
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  };
  try {
    expect(await repair()).toMatchObject({ workflowId, rebuilt: [], lost: [] });
    const { result } = await client.result(workflowId);
    const expected = await store.blobs.get(result.image.blob);
    await truncate(fileOf(result.image.blob), 50);
    expect(await repair()).toMatchObject({ rebuilt: [expect.any(String)], lost: [] });
    // Byte for byte, since all before it is whole.
    expect((await store.blobs.get(result.image.blob)).equals(expected)).toBe(true);
  } finally {
    await place.remove();
  }
}

describe('a run', () => {
  test('goes on when all that no root names is gone and every heap image is lost', async () => {
    const { workflowId, question } = await startWaiting();
    const garbage = await store.blobs.put(Buffer.from('garbage'));
    // Without any grace: what the run needs and no root names would go now.
    expect((await collect(store, { graceMs: 0 })).discarded).toBeGreaterThan(0);
    expect(await store.blobs.has(garbage.digest)).toBe(false);
    await worker.shutdown();
    const images = await heapImages();
    expect(images.length).toBeGreaterThan(2);
    for (const digest of images) await store.upkeep.discard(digest, Infinity);
    await work();
    await client.steering.answerHuman(workflowId, question, 'yes');
    const { answer, result } = await client.result(workflowId);
    expect(answer).toBe(ANSWER);

    // The run and its sub-run have one root.
    const owners: string[] = [];
    for await (const { owner } of store.roots.all()) owners.push(owner);
    expect(owners.filter((owner) => owner.includes(workflowId))).toEqual([runOwner(workflowId)]);

    // A fork takes over what it needs, and its source may be forgotten under it.
    const fork = { question: 'Q: after', from: { workflowId }, confirm: 'never' as const };
    const forked = await client.run(fork, { workflowId: `${workflowId}-fork` });
    expect(forked.answer).toBe(`after: yes${INPUT.length}`);
    await client.garbage.forget(workflowId);
    for (let round = 0; round < 2; round += 1) await collect(store, { graceMs: 0 });
    expect(await store.roots.find(runOwner(workflowId))).toBeUndefined();
    expect(await store.blobs.has(result.trail ?? '')).toBe(false);
    const again = { ...fork, from: { workflowId: `${workflowId}-fork` } };
    const second = await client.run(again, { workflowId: `${workflowId}-fork-2` });
    expect(second.answer).toBe(`after: yes${INPUT.length}`);
    await repairs(`${workflowId}-fork-2`);
    await expect(client.garbage.forget(workflowId)).rejects.toThrow(
      `There is nothing of run ${workflowId} in ${store.describe()}.`,
    );
  }, 180_000);

  test('fails at once, with the name of the blob, when what it needs cannot be rebuilt', async () => {
    const text = 'another input '.repeat(20_000);
    const input = digestOf(Buffer.from(text));
    const { workflowId, question } = await startWaiting(text);
    await expect(client.garbage.forget(workflowId)).rejects.toThrow(
      `run ${workflowId} goes on: cancel it, or wait for its end, to forget it.`,
    );
    await worker.shutdown();
    for (const digest of await heapImages()) await store.upkeep.discard(digest, Infinity);
    await truncate(fileOf(input), 100);
    expect(await readFile(fileOf(input))).toHaveLength(100);
    await work();
    await client.steering.answerHuman(workflowId, question, 'yes');
    const failure: unknown = await client.result(workflowId).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RunFailed);
    expect(failure).toMatchObject({ type: 'Blob.Missing' });
    const message = failure instanceof Error ? failure.message : '';
    expect(message).toMatch(/^blob sha256:\w+ is not in directory \S+, and it cannot be rebuilt: /);
    expect(message).toContain(
      `blob ${input} in ${store.describe()} is corrupted: expected a payload of`,
    );
    expect(message.split('\n')).toHaveLength(1);
  }, 120_000);
});

test('garbage is collected on a schedule, by the workers', async () => {
  const old = await store.blobs.put(Buffer.from('old garbage'));
  await forget(store, 'run nobody');
  const id = await client.garbage.schedule({ everyMs: 86_400_000 }, { olderThanMs: 3_600_000 });
  expect(id).toBe('rlm-gc');
  // Once more replaces it.
  await client.garbage.schedule({ cron: ['0 3 * * *'] }, { olderThanMs: 3_600_000 });
  const handle = client.temporal.schedule.getHandle(id);
  try {
    await handle.trigger();
    let workflowId: string | undefined;
    while (workflowId === undefined) {
      const [action] = (await handle.describe()).info.recentActions;
      if (action?.action.type === 'startWorkflow') workflowId = action.action.workflow.workflowId;
      else await new Promise((done) => setTimeout(done, 200));
    }
    const result: unknown = await client.temporal.workflow.getHandle(workflowId).result();
    expect(result).toMatchObject({ dryRun: false, discarded: 0, unrooted: 0 });
    // Too young, and all runs ended within the hour.
    expect(await store.blobs.has(old.digest)).toBe(true);
    expect(result).toMatchObject({ forgotten: 0 });
  } finally {
    expect(await client.garbage.unschedule()).toBe(true);
  }
  expect(await client.garbage.unschedule()).toBe(false);
  expect((await client.schedules.list()).map(({ scheduleId }) => scheduleId)).not.toContain(id);
}, 60_000);
