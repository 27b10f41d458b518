import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from './faults.ts';

/** A reply as it goes over the wire. */
export interface WireReply {
  readonly id: string;
  readonly model: string;
  readonly text: string;
  readonly calls: readonly string[];
  readonly refusal: string;
  readonly reasoning: string;
  readonly finishReason: string;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

/** Marks every response: nothing that this server says was thought by anybody. */
const STAND_IN_HEADERS = { 'x-stand-in': 'no-intelligence' } as const;

const PIECE_CHARS = 400;

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...STAND_IN_HEADERS,
    ...headers,
  });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** A chat completion in one piece. */
export function sendCompletion(response: ServerResponse, reply: WireReply): void {
  sendJson(response, 200, {
    id: reply.id,
    object: 'chat.completion',
    created: 0,
    model: reply.model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: reply.text,
          refusal: reply.refusal || null,
          ...(reply.calls.length === 0 ? {} : { tool_calls: callsOf(reply) }),
        },
        finish_reason: reply.finishReason,
      },
    ],
    usage: usageOf(reply),
  });
}

/** A chat completion as server-sent events, with the fault in it if there is one. */
export async function streamCompletion(
  response: ServerResponse,
  reply: WireReply,
  withUsage: boolean,
  fault: Fault | undefined,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...STAND_IN_HEADERS });
  const send = (data: unknown): void => {
    response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
  };
  const chunk = (choices: unknown[], usage: unknown = null): void =>
    send({
      id: reply.id,
      object: 'chat.completion.chunk',
      created: 0,
      model: reply.model,
      choices,
      usage,
    });
  const delta = (fields: object, finish: string | null = null): void =>
    chunk([{ index: 0, delta: fields, finish_reason: finish }]);

  if (fault?.kind === 'malformed') {
    send('{"id": "x", "choices": [');
  } else if (fault?.kind === 'emptyChoices') {
    chunk([]);
  } else {
    delta({ role: 'assistant', content: '' });
    if (reply.reasoning !== '') delta({ reasoning_content: reply.reasoning });
    const broken = fault?.kind === 'cut' || fault?.kind === 'errorEvent';
    const text = broken ? reply.text.slice(0, Math.ceil(reply.text.length / 2)) : reply.text;
    const size = fault?.kind === 'drip' ? 1 : PIECE_CHARS;
    for (let at = 0; at < text.length && !response.destroyed; at += size) {
      if (fault?.kind === 'drip') await sleep(fault.everyMs);
      delta({ content: text.slice(at, at + size) });
    }
    for (const [index, { id, type, function: called }] of callsOf(reply).entries()) {
      // In two pieces, as providers send them: the second has neither id nor name.
      const half = Math.ceil(called.arguments.length / 2);
      const [start, end] = [called.arguments.slice(0, half), called.arguments.slice(half)];
      delta({ tool_calls: [{ index, id, type, function: { ...called, arguments: start } }] });
      delta({ tool_calls: [{ index, function: { arguments: end } }] });
    }
    if (reply.refusal !== '') delta({ refusal: reply.refusal });
    if (fault?.kind === 'errorEvent') {
      send({ error: fault.error });
    } else if (fault?.kind === 'cut') {
      // What was sent must be out first, or the client sees no response at all.
      await new Promise((resolve) => response.write('\n', resolve));
      if (!fault.clean) response.destroy();
    } else {
      delta({}, reply.finishReason);
      if (withUsage && fault?.kind !== 'noUsage') chunk([], usageOf(reply));
      send('[DONE]');
    }
  }
  response.end();
}

function usageOf({ inputTokens, outputTokens, cachedTokens }: WireReply): object {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}

function callsOf({ id, calls }: WireReply): {
  id: string;
  type: string;
  function: { name: string; arguments: string };
}[] {
  return calls.map((code, at) => ({
    id: `${id}-call-${at + 1}`,
    type: 'function',
    function: { name: 'python', arguments: JSON.stringify({ code }) },
  }));
}
