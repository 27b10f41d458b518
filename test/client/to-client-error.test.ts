import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { RlmClient, ServerUnavailable } from '../../client/index.ts';
import { memoryStore } from '../../store/index.ts';
import { temporalAddress } from '../support/shared-server.ts';

describe('connecting', () => {
  test('to nothing says what to do, within its time', async () => {
    const failure = await RlmClient.connect({ address: 'localhost:1', store: memoryStore() }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(ServerUnavailable);
    expect((failure as Error).message).toBe(
      'No Temporal server answers at localhost:1; start one (npm run ui) or set TEMPORAL_ADDRESS.',
    );
  });

  test('to a server without the namespace names it', async () => {
    await expect(
      RlmClient.connect({ address: temporalAddress(), namespace: 'nowhere', store: memoryStore() }),
    ).rejects.toThrow(
      `The Temporal server at ${temporalAddress()} has no namespace "nowhere"; create it or set TEMPORAL_NAMESPACE.`,
    );
  });
});

test('a wrong address leaves no store behind', async () => {
  const folder = join(mkdtempSync(join(tmpdir(), 'rlm-client-')), 'store');
  await expect(RlmClient.connect({ address: 'localhost:1', store: folder })).rejects.toThrow(
    ServerUnavailable,
  );
  expect(existsSync(folder)).toBe(false);
});

describe('a run id', () => {
  test('that does not exist is named', async () => {
    const client = await RlmClient.connect({ address: temporalAddress(), store: memoryStore() });
    try {
      await expect(client.result('no-such-run')).rejects.toThrow(
        'There is no run with the id no-such-run; look it up in the Web UI.',
      );
      await expect(client.cancel('no-such-run')).rejects.toThrow(
        'There is no run with the id no-such-run; look it up in the Web UI.',
      );
    } finally {
      await client.close();
    }
  });

  test('that is running is not started again', async () => {
    const client = await RlmClient.connect({
      address: temporalAddress(),
      store: memoryStore(),
      taskQueue: 'nobody',
    });
    const workflowId = `twice-${Date.now()}`;
    try {
      await client.start({ question: 'Why?', input: 'text' }, { workflowId });
      await expect(
        client.start({ question: 'Why?', input: 'text' }, { workflowId }),
      ).rejects.toThrow(
        `A run with the id ${workflowId} exists already; choose another id or ask for its result.`,
      );
      await client.temporal.workflow.getHandle(workflowId).terminate();
      // Also when it has ended: its paid answers are recorded under the id.
      await expect(
        client.start({ question: 'Why?', input: 'text' }, { workflowId }),
      ).rejects.toThrow(`A run with the id ${workflowId} exists already`);
    } finally {
      await client.close();
    }
  });
});
