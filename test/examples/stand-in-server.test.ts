import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { buildCompendium } from '../../examples/demo/compendium.ts';
import type { ScriptedModel } from '../../examples/support/scripted-model.ts';
import { startStandIn } from '../../examples/support/stand-in-server.ts';
import { type Message, post as postTo, QUESTION, SYSTEM } from './stand-in-chat.ts';

const REFUSED =
  "This stand-in has no intelligence and only knows the demo's question: set OPENAI_API_KEY (and OPENAI_BASE_URL for another endpoint) to use a real model.";

let server: ScriptedModel;
beforeEach(async () => {
  server = await startStandIn({ latencyMs: 0 });
});
afterEach(() => server.close());

async function post(model: string, messages: Message[], more: object = {}): Promise<Response> {
  return await postTo(model, messages, more, server.baseUrl);
}

async function root(...shown: Message[]): Promise<string> {
  const response = await post('stand-in-root', [SYSTEM, QUESTION, ...shown]);
  const body: unknown = await response.json();
  expect(body).toMatchObject({ model: 'stand-in-root', choices: [{ finish_reason: 'stop' }] });
  return contentOf(body);
}

async function sub(content: string): Promise<string> {
  return contentOf(await (await post('stand-in-sub', [{ role: 'user', content }])).json());
}

/** The transcript after so many replies, with this as what the engine showed last. */
function after(replies: number, shown = 'turn n\n\nCell 1.1 finished.'): Message[] {
  return Array.from({ length: replies }, (_, at) => [
    { role: 'assistant', content: `reply ${at}` },
    { role: 'user', content: at === replies - 1 ? shown : 'turn n' },
  ]).flat();
}

const Completion = z.object({
  choices: z.tuple([z.object({ message: z.object({ content: z.string() }) })]),
});

function contentOf(body: unknown): string {
  return Completion.parse(body).choices[0].message.content;
}

describe('the stand-in model server', () => {
  test('says of itself in every response that it has no intelligence', async () => {
    const responses = [
      await fetch(`${server.baseUrl}/models`),
      await post('stand-in-root', [SYSTEM, QUESTION]),
      await post('stand-in-root', [SYSTEM, QUESTION], { stream: true }),
      await post('stand-in-root', [SYSTEM, { role: 'user', content: 'Hi' }]),
      await fetch(`${server.baseUrl}/nowhere`),
    ];
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 400, 404]);
    for (const response of responses) {
      expect(response.headers.get('x-stand-in')).toBe('no-intelligence');
    }
    expect(await responses[0]?.json()).toMatchObject({
      data: [
        { id: 'stand-in-root', owned_by: 'stand-in (scripted, no intelligence)' },
        { id: 'stand-in-sub', owned_by: 'stand-in (scripted, no intelligence)' },
      ],
    });
  });

  test('each turn is a sentence and one Python cell; they differ', async () => {
    const replies = await Promise.all([0, 1, 2, 3, 4, 5].map((n) => root(...after(n))));
    for (const reply of replies) expect(reply).toMatch(/^I [^`]+\n\n```python\n[^`]+\n```\n$/);
    expect(new Set(replies).size).toBe(6);
  });

  test('the script searches for what it is to find, and holds no number of sections', async () => {
    const replies = await Promise.all([0, 1, 2, 3, 4, 5].map((n) => root(...after(n))));
    const script = replies.join('\n');
    expect(script).toContain('search_text(contract, "indemnif"');
    expect(script).toContain('answer["ready"] = True');
    const { sections } = buildCompendium();
    const found = sections.filter(({ text }) => /indemnif/i.test(text)).length;
    expect(script).not.toMatch(new RegExp(`\\b(${found}|${sections.length})\\b`));
  });

  test('after the script it only confirms', async () => {
    expect(await root(...after(6))).toBe(
      'The draft holds what the check confirmed.\n\n```python\nanswer["ready"] = True\n```\n',
    );
  });

  test.each([
    ['raised', 'Cell 2.1 raised an exception, 3 calls.'],
    ['was rolled back', 'Cell 2.1 was rolled back (memory): It needed more than 1,024 MiB.'],
  ])('a cell of the script that %s ends the run: it cannot mend it', async (_, line) => {
    const response = await post('stand-in-root', [
      SYSTEM,
      QUESTION,
      ...after(2, `turn 3/30\n\n${line}\nOutput:`),
    ]);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: {
        message: `The stand-in cannot mend its script; the engine says: ${line}`,
        type: 'invalid_request_error',
      },
    });
  });

  test.each([
    ['another question', 'stand-in-root', [SYSTEM, { role: 'user', content: 'Who wrote it?' }]],
    ['another sub-prompt', 'stand-in-sub', [{ role: 'user', content: 'Summarise: …' }]],
  ])('%s is refused in one line', async (_, model, messages) => {
    const response = await post(model, messages);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: { message: REFUSED, type: 'invalid_request_error' },
    });
  });

  test('a sub-call for sentences gets those of its section, as JSON lines', async () => {
    const section = 'One. You agree to indemnify "us"\nfor all.\n\n<section> Two.';
    expect(await sub(`List…\n\n<section>\n${section}\n</section>`)).toBe(
      '{"quote":"You agree to indemnify \\"us\\"\\nfor all."}',
    );
    expect(await sub('List…\n\n<section>\nNothing here.\n</section>')).toBe('NONE');
  });

  test('a sub-call that checks claims gets a verdict for each', async () => {
    const claims = '1. You pay us.\n2. You pay …\n3. we pay';
    expect(
      await sub(`Say…\n\n<claims>\n${claims}\n</claims>\n\n<section>\nYou\npay us.\n</section>`),
    ).toBe('1 YES\n2 NO\n3 NO');
  });

  test('a streamed reply is the same reply, with usage when asked for', async () => {
    const whole = await root();
    const streamed = async (more: object): Promise<unknown[]> => {
      const response = await post('stand-in-root', [SYSTEM, QUESTION], { stream: true, ...more });
      expect(response.headers.get('content-type')).toBe('text/event-stream');
      const events = (await response.text()).split('\n\n').filter((event) => event !== '');
      expect(events.at(-1)).toBe('data: [DONE]');
      return events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)));
    };
    const chunks = await streamed({});
    const text = chunks
      .map((chunk) => /"content":("(?:[^"\\]|\\.)*")/.exec(JSON.stringify(chunk))?.[1] ?? '""')
      .map((json): unknown => JSON.parse(json))
      .join('');
    expect(text).toBe(whole);
    expect(chunks.filter((chunk) => JSON.stringify(chunk).includes('prompt_tokens'))).toEqual([]);
    const counted = await streamed({ stream_options: { include_usage: true } });
    expect(counted.at(-1)).toMatchObject({
      choices: [],
      usage: {
        prompt_tokens: Math.ceil((SYSTEM.content.length + QUESTION.content.length) / 4),
        completion_tokens: Math.ceil(whole.length / 4),
      },
    });
  });

  test('what is no chat request is refused', async () => {
    const response = await fetch(`${server.baseUrl}/chat/completions`, {
      method: 'POST',
      body: '{',
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({
      error: { message: 'not a chat completion request' },
    });
  });
});

const Log = z.object({
  requests: z.array(
    z.object({
      number: z.int(),
      kind: z.enum(['root', 'sub']),
      prompt: z.string(),
      status: z.int(),
      answered: z.boolean(),
    }),
  ),
});

async function log(): Promise<z.infer<typeof Log>['requests']> {
  const response = await fetch(`http://127.0.0.1:${server.port}/stand-in/log`);
  return Log.parse(await response.json()).requests;
}

describe('the log of requests', () => {
  test('lists each request with its kind and a digest by which repeats are found', async () => {
    await root();
    await sub('<section>\na\n</section>');
    await sub('<section>\nb\n</section>');
    await sub('<section>\na\n</section>');
    const requests = await log();
    expect(
      requests.map(({ number, kind, status, answered }) => [number, kind, status, answered]),
    ).toEqual([
      [1, 'root', 200, true],
      [2, 'sub', 200, true],
      [3, 'sub', 200, true],
      [4, 'sub', 200, true],
    ]);
    const [, a, b, again] = requests.map(({ prompt }) => prompt);
    expect(a).toMatch(/^[0-9a-f]{16}$/);
    expect(again).toBe(a);
    expect(b).not.toBe(a);
  });

  test('a client that dies before its answer leaves a request that was not answered', async () => {
    await server.close();
    server = await startStandIn({ latencyMs: 60_000 });
    const client = new AbortController();
    const request = fetch(`${server.baseUrl}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'stand-in-root', messages: [SYSTEM, QUESTION] }),
      signal: client.signal,
    });
    while (server.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    client.abort();
    await expect(request).rejects.toThrow('aborted');
    while (server.requests[0]?.durationMs === null) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await log()).toMatchObject([{ number: 1, status: 200, answered: false }]);
  });
});
