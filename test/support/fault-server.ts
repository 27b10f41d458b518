import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import {
  sendJson,
  streamCompletion,
  type WireReply,
} from '../../examples/support/chat-response.ts';
import type { Fault } from '../../examples/support/faults.ts';

/** What a request is answered with: a fault, or a reply. */
export type Served = Fault | FaultyReply;

/** A reply in parts. `deltas` are sent as they are, before the text. */
export interface FaultyReply {
  readonly kind: 'reply';
  readonly text?: string;
  readonly reasoning?: string;
  readonly finishReason?: string;
  readonly deltas?: readonly object[];
  readonly usage?: { readonly input: number; readonly output: number };
  readonly afterMs?: number;
}

const Body = z.looseObject({
  model: z.string(),
  messages: z.array(
    z.looseObject({
      role: z.string(),
      content: z
        .union([z.string(), z.array(z.looseObject({ type: z.string() })), z.null()])
        .optional(),
    }),
  ),
});

export interface SeenRequest {
  /** As it was sent. */
  readonly body: z.infer<typeof Body>;
  /** Text of the last message. */
  readonly prompt: string;
  readonly key: string;
  readonly atMs: number;
  /** When the connection has closed: whether the client left before the end. */
  readonly left: Promise<boolean>;
}

export interface FaultServer {
  readonly baseUrl: string;
  readonly requests: readonly SeenRequest[];
  /** Closes it, open requests too. */
  close(): Promise<void>;
}

/**
 * An OpenAI-compatible server that does what `serve` says with each request: fails in one of the ways in which
 * servers fail, or answers. It keeps what it was sent.
 */
export async function startFaultServer(
  serve: (request: SeenRequest, number: number) => Served | Promise<Served>,
): Promise<FaultServer> {
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    answer(request, response, requests, serve).catch(() => response.destroy());
  });
  server.unref();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    requests,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  requests: SeenRequest[],
  serve: (request: SeenRequest, number: number) => Served | Promise<Served>,
): Promise<void> {
  if (request.method === 'GET') {
    // Without the header of a stand-in: its models have prices and limits like any others.
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('{"object": "list", "data": []}');
    return;
  }
  const body = Body.parse(JSON.parse(await text(request)));
  const key = (request.headers.authorization ?? '').replace('Bearer ', '');
  const left = new Promise<boolean>((resolve) => {
    response.once('close', () => resolve(!response.writableFinished));
  });
  const seen = { body, prompt: promptOf(body), key, atMs: performance.now(), left };
  const number = requests.push(seen);
  const served = await serve(seen, number);
  if (response.destroyed) return;
  switch (served.kind) {
    case 'hang':
      return;
    case 'reset':
      request.socket.resetAndDestroy();
      return;
    case 'status':
      sendJson(
        response,
        served.status,
        typeof served.error === 'string'
          ? served.error
          : { error: served.error ?? { message: `scripted ${served.status}` } },
        served.headers,
      );
      return;
    case 'html':
      sendJson(response, 200, '<html><body>Welcome</body></html>', { 'content-type': 'text/html' });
      return;
    case 'reply':
      await new Promise((resolve) => setTimeout(resolve, served.afterMs ?? 0));
      await stream(response, number, served);
      return;
    default:
      await streamCompletion(response, wireReply(number, { kind: 'reply' }), true, served);
  }
}

async function stream(response: ServerResponse, number: number, reply: FaultyReply): Promise<void> {
  const { deltas } = reply;
  if (deltas === undefined) {
    await streamCompletion(response, wireReply(number, reply), true, undefined);
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (delta: object, finish: string | null): void => {
    const choices = [{ index: 0, delta, finish_reason: finish }];
    response.write(`data: ${JSON.stringify({ id: `r-${number}`, model: 'faulty', choices })}\n\n`);
  };
  for (const delta of deltas) {
    send(delta, null);
    // In pieces, as they come from a model: a client that leaves is noticed.
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (response.destroyed) return;
  }
  if (reply.text !== undefined) send({ content: reply.text }, null);
  send({}, reply.finishReason ?? 'stop');
  response.end('data: [DONE]\n\n');
}

function wireReply(number: number, reply: FaultyReply): WireReply {
  return {
    id: `r-${number}`,
    model: 'faulty',
    text: reply.text ?? 'Twelve months.',
    calls: [],
    refusal: '',
    reasoning: reply.reasoning ?? '',
    finishReason: reply.finishReason ?? 'stop',
    inputTokens: reply.usage?.input ?? 10,
    cachedTokens: 0,
    outputTokens: reply.usage?.output ?? 5,
  };
}

function promptOf({ messages }: z.infer<typeof Body>): string {
  const content = messages.at(-1)?.content ?? '';
  if (typeof content === 'string') return content;
  return content.map((part) => (typeof part['text'] === 'string' ? part['text'] : '')).join('');
}
