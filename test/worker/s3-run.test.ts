import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { RlmClient } from '../../client/index.ts';
import { collect, openStore } from '../../store/index.ts';
import { openRealWorld } from '../support/real-world.ts';
import { findS3Program, NO_S3_SERVER, startS3Server } from '../support/s3-server.ts';
import { temporalAddress } from '../support/shared-server.ts';

// Scope: a whole run whose worker and clients share nothing but a bucket.

const program = findS3Program();
if (program === undefined) console.warn(`test/worker/s3-run.test.ts: ${NO_S3_SERVER}`);

(program === undefined ? describe.skip : describe)('a store on S3', () => {
  test('carries a run with sub-calls and a sub-run, its fork, and a collection between them', async () => {
    if (program === undefined) return;
    const server = await startS3Server(program);
    const location = `s3://store/runs?endpoint=${encodeURIComponent(server.endpoint)}`;
    const world = await openRealWorld(
      {
        root: (question, turn) => {
          if (question === 'Q: child') return 'answer["content"] = "child"; answer["ready"] = True';
          return turn === 1
            ? 'said = llm_query_batched(["a", "b"]) + [rlm_query("Q: child", context="x")]'
            : 'answer["content"] = " ".join(said) + f" {len(input_data)}"; answer["ready"] = True';
        },
        sub: (prompt) => `re ${prompt}`,
      },
      temporalAddress(),
      { RLM_STORE: location },
    );
    try {
      const workflowId = `s3-${randomUUID()}`;
      const request = {
        question: 'Q: parent',
        input: 'x'.repeat(100_000),
        confirm: 'never' as const,
      };
      const { answer } = await world.client.run(request, { workflowId });
      expect(answer).toBe('re a re b child 100000');
      // A client of another machine reads it out of the bucket.
      const other = await RlmClient.connect({ address: temporalAddress(), store: location });
      expect((await other.result(workflowId)).answer).toBe(answer);
      const store = await openStore(location);
      const done = await collect(store, { graceMs: -60_000 });
      expect(done.blobs).toBeGreaterThan(20);
      const again = { ...request, input: undefined, from: { workflowId } };
      const forked = await world.client.run(again, { workflowId: `${workflowId}-fork` });
      expect(forked.answer).toBe(answer);
      await other.close();
    } finally {
      await world.close();
      await server.stop();
    }
  }, 120_000);
});
