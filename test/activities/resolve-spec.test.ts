import { describe, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { McpServers } from '../../activities/index.ts';
import { createResolveSpec } from '../../activities/resolve-spec.ts';
import { loadRegistry } from '../../models/index.ts';
import type { ResolvedSpec, RunSpec } from '../../protocol/index.ts';
import { memoryStore, putText } from '../../store/index.ts';
import { START } from '../workflows/states.ts';

// Scope: names to cards, and what a spec leaves open to the defaults that the documentation promises.

async function resolve(spec: Partial<RunSpec>): Promise<ResolvedSpec> {
  const store = memoryStore();
  const question = await putText(store, 'What was repaired?');
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  const resolveSpec = createResolveSpec({
    registry: loadRegistry({ OPENAI_API_KEY: 'k', RLM_MODEL: 'root', RLM_SUB_MODEL: 'helper' }),
    runtime: 'R',
    taskQueue: 'rlm',
    store,
    mcp: new McpServers({}),
  });
  return environment.run(resolveSpec, { ...START.spec, question, ...spec });
}

test('a spec whose values are not in the store is refused by the name of the first', async () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const failure = await resolve({ question: { digest, sizeBytes: 1, chars: 1 } }).catch(
    (error: unknown) => error,
  );
  expect(failure).toMatchObject({ type: 'Blob.Missing', nonRetryable: true });
  expect(String(failure)).toContain(`blob ${digest} is not in memory store`);
});

describe('a spec that says nothing', () => {
  test('has 30 turns, $1, 1,000 sub-calls, depth 1, 60 s of compute a cell and 64 calls at once', async () => {
    expect(await resolve({})).toMatchObject({
      budget: { turns: 30, costUsd: 1, calls: 1000, tokens: null, wallClockMs: null },
      limits: { computeMs: 60_000 },
      maxDepth: 1,
      concurrency: 64,
      root: { name: 'root' },
      sub: { name: 'helper' },
    });
  });

  test('keeps the defaults of what it does not name', async () => {
    const { budget, limits } = await resolve({ budget: { turns: 3 }, limits: { heapMiB: 2048 } });
    expect(budget).toMatchObject({ turns: 3, costUsd: 1, calls: 1000 });
    expect(limits).toMatchObject({ heapMiB: 2048, computeMs: 60_000 });
  });
});

describe('a model that is not known', () => {
  test.each([
    [{ model: 'gpt-none' }, 'spec.model'],
    [{ subModel: 'gpt-none' }, 'spec.subModel'],
  ])('%j is refused with its place in the spec', async (spec, path) => {
    const failure = await resolve(spec).catch((error: unknown) => error);
    expect(failure).toMatchObject({ type: 'InvalidInput', nonRetryable: true });
    expect(String(failure)).toContain(`${path}: Unknown model "gpt-none": known are `);
  });
});
