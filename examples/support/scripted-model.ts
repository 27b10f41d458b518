import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { sendCompletion, sendJson, streamCompletion, type WireReply } from './chat-response.ts';
import type { Fault } from './faults.ts';
import { ScriptRefusal } from './script-refusal.ts';

export interface ScriptedMessage {
  readonly role: string;
  /** '' when there is none, as beside calls of a tool. */
  readonly content: string;
}

/** A reply with more than its text. */
export interface ScriptedReply {
  readonly text: string;
  readonly finishReason?: string;
  /** Code of calls of the tool `python`. */
  readonly calls?: readonly string[];
  readonly refusal?: string;
  readonly reasoning?: string;
  readonly inputTokens?: number;
  readonly cachedTokens?: number;
  readonly outputTokens?: number;
}

type Reply = string | ScriptedReply;

/** One request as the server saw it. `answered` is false while it runs and for good when the client left before the end. */
export interface LoggedRequest {
  readonly number: number;
  readonly atMs: number;
  readonly kind: 'root' | 'sub';
  readonly model: string;
  /** First 16 hex digits of the SHA-256 of its messages: equal for a repeated call. */
  readonly prompt: string;
  /** The key that it came with, which tells clients apart; a stand-in's keys are no secrets. */
  readonly key: string;
  status: number;
  answered: boolean;
  durationMs: number | null;
}

export interface ScriptedModelOptions {
  /** The reply of the root model at a turn, which counts from 1. */
  readonly root?: (messages: readonly ScriptedMessage[], turn: number) => Reply | Promise<Reply>;
  /** The reply of the sub-model to a prompt. */
  readonly sub?: (prompt: string) => Reply | Promise<Reply>;
  /** What goes wrong with a request; called once each, before anything else. */
  readonly fault?: (request: LoggedRequest, prompt: string) => Fault | undefined;
  /** Time to an answer in ms, plus up to a third of it by the prompt's digest; default 0. */
  readonly latencyMs?: number;
  /** Default: a free one. Throws if it is taken. */
  readonly port?: number;
}

export interface ScriptedModel {
  /** For `OPENAI_BASE_URL`: `http://127.0.0.1:40123/v1`. */
  readonly baseUrl: string;
  readonly port: number;
  /** Every request so far, in order of arrival. */
  readonly requests: readonly LoggedRequest[];
  /** Closes it, open requests too. */
  close(): Promise<void>;
}

/** Names of the scripted models. A request is the root's when it has a system message and its model's name holds no "sub". */
const SCRIPTED_MODELS = { root: 'stand-in-root', sub: 'stand-in-sub' } as const;

const ChatBody = z.object({
  model: z.string(),
  messages: z.array(
    z.looseObject({
      role: z.string(),
      content: z
        .string()
        .nullish()
        .transform((content) => content ?? ''),
    }),
  ),
  stream: z.boolean().optional(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).optional(),
});
type ChatBody = z.infer<typeof ChatBody>;

const CHARS_PER_TOKEN = 4;

/**
 * An OpenAI-compatible server on the loopback interface whose replies come from a script: chat completions
 * (streamed or not) and the list of models. Every response carries `x-stand-in: no-intelligence`.
 * `GET /stand-in/log` gives the requests as JSON, for counting repeats from another process.
 */
export async function startScriptedModel(options: ScriptedModelOptions): Promise<ScriptedModel> {
  const requests: LoggedRequest[] = [];
  const server = createServer((request, response) => {
    serve(options, requests, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: { message: String(error), type: 'script_error' } });
    });
  });
  // Keep-alive connections must not hold the process that closes the server.
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const { port } = address;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    port,
    requests,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function serve(
  options: ScriptedModelOptions,
  requests: LoggedRequest[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const route = `${request.method} ${URL.parse(request.url ?? '', 'http://localhost')?.pathname}`;
  if (route === 'POST /v1/chat/completions') await chat(options, requests, request, response);
  else if (route === 'GET /v1/models') sendJson(response, 200, models());
  else if (route === 'GET /stand-in/log') sendJson(response, 200, { requests });
  else sendJson(response, 404, { error: { message: `no route ${route}`, type: 'not_found' } });
}

async function chat(
  options: ScriptedModelOptions,
  requests: LoggedRequest[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request);
  if (body === null) {
    sendJson(response, 400, { error: { message: 'not a chat completion request' } });
    return;
  }
  const key = (request.headers.authorization ?? '').replace(/^Bearer /, '');
  const entry = logRequest(requests, body, key, response);
  const prompt = body.messages.at(-1)?.content ?? '';
  const fault = options.fault?.(entry, prompt);
  const left = new AbortController();
  response.once('close', () => left.abort());
  await sleep(latencyOf(options, entry), undefined, { signal: left.signal }).catch(() => undefined);
  if (response.destroyed) return;
  if (fault?.kind === 'hang') return;
  if (fault?.kind === 'reset') {
    response.destroy();
  } else if (fault?.kind === 'status') {
    entry.status = fault.status;
    const error = fault.error ?? { message: `scripted ${fault.status}` };
    sendJson(response, fault.status, typeof error === 'string' ? error : { error }, fault.headers);
  } else if (fault?.kind === 'html') {
    sendJson(response, 200, '<html><body>Welcome</body></html>', { 'content-type': 'text/html' });
  } else {
    await answer(options, entry, body, response, fault);
  }
}

async function answer(
  options: ScriptedModelOptions,
  entry: LoggedRequest,
  body: ChatBody,
  response: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  let reply: WireReply;
  try {
    reply = wireReply(entry, body, await scripted(options, entry, body));
  } catch (error) {
    if (!(error instanceof ScriptRefusal)) throw error;
    entry.status = error.status;
    const type = 'invalid_request_error';
    sendJson(response, error.status, { error: { message: error.message, type } });
    return;
  }
  if (response.destroyed) return;
  if (body.stream !== true) sendCompletion(response, reply);
  else {
    await streamCompletion(response, reply, body.stream_options?.include_usage === true, fault);
  }
}

async function scripted(
  { root, sub }: ScriptedModelOptions,
  entry: LoggedRequest,
  { messages }: ChatBody,
): Promise<Reply> {
  if (entry.kind === 'root' && root) {
    const turn = messages.filter(({ role }) => role === 'assistant').length + 1;
    return await root(messages, turn);
  }
  if (entry.kind === 'sub' && sub) return await sub(messages.at(-1)?.content ?? '');
  throw new ScriptRefusal(`the script has no ${entry.kind} model`, 404);
}

function logRequest(
  requests: LoggedRequest[],
  body: ChatBody,
  key: string,
  response: ServerResponse,
): LoggedRequest {
  const entry: LoggedRequest = {
    number: requests.length + 1,
    atMs: Date.now(),
    kind: kindOf(body),
    model: body.model,
    prompt: promptDigest(body.messages),
    key,
    status: 200,
    answered: false,
    durationMs: null,
  };
  requests.push(entry);
  response.once('finish', () => {
    entry.answered = true;
  });
  response.once('close', () => {
    entry.durationMs = Date.now() - entry.atMs;
  });
  return entry;
}

/** What the log calls a prompt by. */
export function promptDigest(messages: readonly ScriptedMessage[]): string {
  return createHash('sha256').update(JSON.stringify(messages)).digest('hex').slice(0, 16);
}

/** By the name, or else by the system message: other model names work too. */
function kindOf({ model, messages }: ChatBody): 'root' | 'sub' {
  const isRoot = !model.includes('sub') && messages.some(({ role }) => role === 'system');
  return isRoot ? 'root' : 'sub';
}

function wireReply(entry: LoggedRequest, body: ChatBody, reply: Reply): WireReply {
  const given: ScriptedReply = typeof reply === 'string' ? { text: reply } : reply;
  const inputChars = body.messages.reduce((sum, { content }) => sum + content.length, 0);
  return {
    id: `stand-in-${entry.number}`,
    model: SCRIPTED_MODELS[entry.kind],
    text: given.text,
    calls: given.calls ?? [],
    refusal: given.refusal ?? '',
    reasoning: given.reasoning ?? '',
    finishReason: given.finishReason ?? (given.calls === undefined ? 'stop' : 'tool_calls'),
    inputTokens: given.inputTokens ?? Math.ceil(inputChars / CHARS_PER_TOKEN),
    cachedTokens: given.cachedTokens ?? 0,
    outputTokens: given.outputTokens ?? Math.ceil(given.text.length / CHARS_PER_TOKEN),
  };
}

/** Spread by the prompt, not by chance: the same run takes the same time. */
function latencyOf({ latencyMs = 0 }: ScriptedModelOptions, { prompt }: LoggedRequest): number {
  const share = Number.parseInt(prompt.slice(0, 4), 16) / 0xffff;
  return latencyMs + (latencyMs / 3) * share;
}

async function readBody(request: IncomingMessage): Promise<ChatBody | null> {
  const body = await text(request);
  try {
    return ChatBody.parse(JSON.parse(body));
  } catch {
    return null;
  }
}

function models(): object {
  const data = Object.values(SCRIPTED_MODELS).map((id) => ({
    id,
    object: 'model',
    created: 0,
    owned_by: 'stand-in (scripted, no intelligence)',
  }));
  return { object: 'list', data };
}
