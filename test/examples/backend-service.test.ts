import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createService } from '../../examples/backend-service/service.ts';
import { putText } from '../../store/index.ts';
import { openWorld, type World } from '../workflows/fake-world.ts';
import { finished } from '../workflows/states.ts';

// Scope: what callers of the service see. Server and workflow are real, the rooms below are scripted.

let world: World;
let server: Server;
let base: string;
const gate = Promise.withResolvers<void>();

beforeAll(async () => {
  world = await openWorld({
    reply: async ({ question }) => {
      if (question.text === 'Slow?') await gate.promise;
      if (question.text === 'Broken?') throw new Error('the model is broken');
      return ['go'];
    },
    cell: async () =>
      finished({ answer: { content: await putText(world.store, 'Forty-two.'), ready: true } }),
  });
  server = createService(world.client).listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  gate.resolve();
  server.close();
  await world.close();
});

const DOCUMENTS = { contract: 'Some text.' };

function post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(`${base}/questions`, { method: 'POST', body: text, headers });
}

async function startedId(question: string, headers?: Record<string, string>): Promise<string> {
  const response = await post({ question, documents: DOCUMENTS }, headers);
  const { id } = (await response.json()) as { id: string };
  return id;
}

describe('POST /questions', () => {
  test('answers at once with the place to look; the answer comes there', async () => {
    const response = await post({ question: 'How many?', documents: DOCUMENTS });
    const { id } = (await response.json()) as { id: string };
    expect([response.status, response.headers.get('location')]).toEqual([202, `/questions/${id}`]);
    await world.client.result(id);
    const look = await fetch(`${base}/questions/${id}`);
    expect(await look.json()).toMatchObject({
      id,
      status: 'ended',
      reason: 'answered',
      answer: 'Forty-two.',
    });
  });

  test('the same idempotency key gives the same run', async () => {
    const key = { 'idempotency-key': `order ${process.pid}` };
    const first = await startedId('How many?', key);
    expect(await startedId('How many?', key)).toBe(first);
    await world.client.result(first);
  });

  test.each([
    ['{', 'The body is not JSON.'],
    [{ question: ' ', documents: DOCUMENTS }, 'question: must not be empty.'],
    [{ question: 'Q?', documents: {} }, 'documents: must hold at least one document.'],
    [
      { question: 'Q?', documents: { a: 1 } },
      'documents.a: Invalid input: expected string, received number.',
    ],
    [{ question: 'Q?', documents: DOCUMENTS, model: 'x' }, 'body: Unrecognized key: "model".'],
  ])('refuses %j', async (body, error) => {
    const response = await post(body);
    expect([response.status, await response.json()]).toEqual([400, { error }]);
  });
});

describe('GET /questions/:id', () => {
  test('gives the progress of a run that goes on, and what is left of one that was cancelled', async () => {
    const id = await startedId('Slow?');
    const running = await fetch(`${base}/questions/${id}`);
    expect(await running.json()).toMatchObject({ id, status: 'running' });

    const cancelled = await fetch(`${base}/questions/${id}`, { method: 'DELETE' });
    expect([cancelled.status, await cancelled.json()]).toEqual([202, { id, status: 'cancelling' }]);
    gate.resolve();
    await world.client.result(id).catch(() => undefined);
    const look = await fetch(`${base}/questions/${id}`);
    expect(await look.json()).toEqual({ id, status: 'cancelled', draft: null });
  });

  test('says that there is no such run', async () => {
    const response = await fetch(`${base}/questions/unknown`);
    expect([response.status, await response.json()]).toEqual([
      404,
      { error: 'There is no run with the id unknown; look it up in the Web UI.' },
    ]);
  });
});

test.each([
  ['GET', '/questions', 405, 'Use POST here.'],
  ['PUT', '/questions/abc', 405, 'Use GET, DELETE here.'],
  ['GET', '/', 404, 'There is nothing at /.'],
  ['GET', '/questions/a/b', 404, 'There is nothing at /questions/a/b.'],
])('%s %s is refused', async (method, path, status, error) => {
  const response = await fetch(`${base}${path}`, { method });
  expect([response.status, await response.json()]).toEqual([status, { error }]);
});
