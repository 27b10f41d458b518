import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import {
  InvalidRequest,
  RunCancelled,
  RunFailed,
  type RlmClient,
  ServerUnavailable,
} from '../../client/index.ts';

/** Largest request body, bytes. A larger input belongs into the store first. */
export const MAX_BODY_BYTES = 50 * 1024 * 1024;

/** What callers of this service may ask for: fewer knobs than the library has, and a budget that the service sets. */
const Question = z.strictObject({
  question: z.string().trim().min(1, 'must not be empty').max(10_000),
  documents: z
    .record(z.string().min(1).max(200), z.string())
    .refine((documents) => Object.keys(documents).length > 0, 'must hold at least one document'),
});

/** Money that one question may cost, US dollars. */
const COST_USD = 2;

/** The answer to one HTTP request. */
interface Reply {
  status: number;
  body: Record<string, unknown>;
  headers?: Record<string, string>;
}

/**
 * The service: `POST /questions` starts a run and answers at once with its id, `GET /questions/:id` gives its
 * progress or its answer, `DELETE /questions/:id` cancels it. It holds no state: any instance can be asked.
 */
export function createService(client: RlmClient): Server {
  return createServer((request, response) => {
    handle(client, request)
      .catch((error: unknown) => toReply(error))
      .then((reply) => send(response, reply))
      .catch(() => response.destroy());
  });
}

async function handle(client: RlmClient, request: IncomingMessage): Promise<Reply> {
  const { pathname } = new URL(request.url ?? '/', 'http://service');
  if (pathname === '/questions') {
    return request.method === 'POST' ? ask(client, request) : wrongMethod('POST');
  }
  const [, id] = /^\/questions\/([\w.~-]{1,200})$/.exec(pathname) ?? [];
  if (id === undefined) return { status: 404, body: { error: `There is nothing at ${pathname}.` } };
  if (request.method === 'GET') return look(client, id);
  if (request.method === 'DELETE') {
    await client.cancel(id);
    return { status: 202, body: { id, status: 'cancelling' } };
  }
  return wrongMethod('GET, DELETE');
}

async function ask(client: RlmClient, request: IncomingMessage): Promise<Reply> {
  const { question, documents } = Question.parse(await readJson(request));
  // A caller that repeats a request after a lost answer sends the same key and gets the same run.
  const key = request.headers['idempotency-key'];
  const workflowId = typeof key === 'string' ? `question-${encodeURIComponent(key)}` : undefined;
  try {
    const run = await client.start(
      { question, input: documents, budget: { costUsd: COST_USD } },
      workflowId === undefined ? {} : { workflowId },
    );
    return accepted(run.workflowId);
  } catch (error) {
    if (
      workflowId !== undefined &&
      error instanceof InvalidRequest &&
      /exists/.test(error.message)
    ) {
      return accepted(workflowId);
    }
    throw error;
  }
}

function accepted(id: string): Reply {
  const location = `/questions/${id}`;
  return { status: 202, body: { id, status: 'running', location }, headers: { location } };
}

async function look(client: RlmClient, id: string): Promise<Reply> {
  const { status } = await describe(client, id);
  if (status === 'RUNNING') {
    const progress = await client.progress(id);
    return { status: 200, body: { id, status: 'running', progress } };
  }
  const { answer, result } = await client.result(id);
  return {
    status: 200,
    body: { id, status: 'ended', reason: result.reason, answer, spend: result.spend },
  };
}

async function describe(client: RlmClient, id: string): Promise<{ status: string }> {
  // `progress` throws InvalidRequest for an unknown id; it says nothing about whether a run has ended.
  await client.progress(id);
  const description = await client.temporal.workflow.getHandle(id).describe();
  return { status: description.status.name };
}

function toReply(error: unknown): Reply {
  if (error instanceof z.ZodError) {
    const [issue] = error.issues;
    const path = issue?.path.join('.') || 'body';
    return { status: 400, body: { error: `${path}: ${issue?.message}.` } };
  }
  if (error instanceof BadBody) return { status: error.status, body: { error: error.message } };
  if (error instanceof InvalidRequest) {
    const status = error.message.startsWith('There is no run') ? 404 : 400;
    return { status, body: { error: error.message } };
  }
  if (error instanceof ServerUnavailable) return { status: 503, body: { error: error.message } };
  if (error instanceof RunCancelled) {
    const draft = error.progress?.draft ?? null;
    return { status: 200, body: { id: error.workflowId, status: 'cancelled', draft } };
  }
  if (error instanceof RunFailed) {
    const { workflowId: id, type, message } = error;
    return { status: 200, body: { id, status: 'failed', type, error: message } };
  }
  console.error(error);
  return { status: 500, body: { error: 'Something failed that should not; it has been logged.' } };
}

class BadBody extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const part = Buffer.from(chunk);
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new BadBody(413, `The body is larger than ${MAX_BODY_BYTES / 1024 / 1024} MiB.`);
    }
    chunks.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new BadBody(400, 'The body is not JSON.');
  }
}

function wrongMethod(allow: string): Reply {
  return { status: 405, body: { error: `Use ${allow} here.` }, headers: { allow } };
}

function send(response: ServerResponse, { status, body, headers }: Reply): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(`${JSON.stringify(body)}\n`);
}
