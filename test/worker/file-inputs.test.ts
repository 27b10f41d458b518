import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LocalFiles, RemoteFiles } from '../../client/index.ts';
import type { IngestProgress } from '../../protocol/index.ts';
import { openRealWorld, type RealWorld } from '../support/real-world.ts';

// Scope: files as inputs of a run, through client, server, worker and REPL.

const FIXTURES = join(import.meta.dirname, '..', 'documents', 'fixtures');

const opened: PromiseWithResolvers<void> = Promise.withResolvers();
const server = createServer((_, response) => {
  void opened.promise.then(() => response.end('name,amount\nÅsa,3\n'));
});
let world: RealWorld;
let url: string;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  url = `http://127.0.0.1:${port}/table.csv`;
  world = await openRealWorld({
    root: () =>
      [
        'd = input_data["docs"]["contract.pdf"]',
        'p = search_text(d, "indemnify")[0]',
        'answer["content"] = repr((type(d).__name__, len(d.pages), p.page, d.name, input_data["table"], sorted(input_data["docs"])))',
        'answer["ready"] = True',
      ].join('\n'),
    sub: () => '',
    env: { RLM_HTTP_HOSTS: `127.0.0.1:${port}` },
  });
});
afterAll(async () => {
  opened.resolve();
  server.closeAllConnections();
  server.close();
  await world.close();
});

async function until<T>(look: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((done) => setTimeout(done, 100));
  }
}

describe('a run over files', () => {
  test('shows how far they are read, has them as documents and tables, and says what was left out', async () => {
    const { client } = world;
    const { workflowId } = await client.start({
      question: 'Q: what do they say?',
      input: { docs: new LocalFiles(`${FIXTURES}/*.pdf`), table: new RemoteFiles(url) },
      confirm: 'never',
    });
    const reading = await until(async (): Promise<IngestProgress | null> => {
      const found = await client.ingestProgress(workflowId);
      return found?.name === url ? found : null;
    });
    expect(reading).toMatchObject({ phase: 'reading', done: 3 });
    expect(await client.progress(workflowId)).toBeNull();
    opened.resolve();
    const { answer } = await client.result(workflowId);
    expect(answer).toBe(
      "('Document', 3, 2, 'contract.pdf', [{'name': 'Åsa', 'amount': '3'}], ['contract.pdf'])",
    );
    expect((await client.progress(workflowId))?.inputNotes).toEqual([
      `${FIXTURES}/encrypted.pdf is encrypted: save it without a password: left out`,
      expect.stringContaining(`${FIXTURES}/scanned.pdf holds no text`),
    ]);
  });

  test('fails with one sentence when a file cannot be read', async () => {
    const run = world.client.run({
      question: 'Q: what?',
      input: { docs: new LocalFiles(`${FIXTURES}/*.pdf`) },
      strict: true,
    });
    await expect(run).rejects.toThrow(
      `${FIXTURES}/encrypted.pdf is encrypted: save it without a password`,
    );
  });

  test('that do not fit the heap says what to raise', async () => {
    const run = world.client.run({
      question: 'Q: what?',
      input: 'x'.repeat(60 * 2 ** 20),
      limits: { heapMiB: 128 },
    });
    await expect(run).rejects.toThrow('Raise limits.heapMiB (--heap-mib) to at least 256');
  });
});
