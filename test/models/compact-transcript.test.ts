import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  startScriptedModel,
  type ScriptedMessage,
  type ScriptedModel,
} from '../../examples/support/scripted-model.ts';
import type { Fault } from '../../examples/support/faults.ts';
import { compactTranscript, loadRegistry, type Registry } from '../../models/index.ts';
import type { ChatMessage } from '../../models/prompt-message.ts';
import { extendTranscript, readLinks, readTranscript } from '../../models/transcript.ts';
import type { CompactTranscriptResult, Digest, ModelCard } from '../../protocol/index.ts';
import { memoryStore, type Store } from '../../store/index.ts';
import { dyingStore } from './failing-store.ts';

let store: Store;
let model: ScriptedModel;
let registry: Registry;
let fault: Fault | undefined;
let reply: string;
let seen: (readonly ScriptedMessage[])[];

beforeEach(async () => {
  store = memoryStore();
  fault = undefined;
  reply = 'Found: clause 7.';
  seen = [];
  model = await startScriptedModel({
    root: (messages) => {
      seen.push(messages);
      return reply;
    },
    fault: () => fault,
  });
  registry = loadRegistry({ OPENAI_BASE_URL: model.baseUrl, RLM_MODEL: 'stand-in-root' });
});
afterEach(() => model.close());

async function transcriptOf(turns: number, chars = 10): Promise<Digest> {
  let newest: Digest | null = null;
  for (let turn = 1; turn <= turns; turn++) {
    const opening: ChatMessage[] =
      turn === 1
        ? [
            { role: 'system', content: 'Rules.' },
            { role: 'user', content: 'Why?' },
          ]
        : [{ role: 'user', content: `saw ${turn} ${'x'.repeat(chars)}` }];
    newest = await extendTranscript(store, newest, [
      ...opening,
      { role: 'assistant', content: `did ${turn}` },
    ]);
  }
  return newest ?? '';
}

async function compact(
  transcript: Digest,
  card: Partial<ModelCard> = {},
  into = store,
): Promise<CompactTranscriptResult> {
  const root = await registry.card(null, 'root', { taskQueue: 'models' });
  const input = { workflowId: 'run-1', turn: 10, card: { ...root, ...card }, transcript };
  return await compactTranscript({ store: into, registry, input });
}

describe('compactTranscript', () => {
  test('puts a summary in the place of the older turns, and leaves opening and newest turns as they are', async () => {
    const before = await transcriptOf(9);
    const { transcript } = await compact(before);
    expect(
      (await readTranscript(store, transcript)).map(({ role, content }) => [
        role,
        content.slice(0, 90),
      ]),
    ).toEqual([
      ['system', 'Rules.'],
      ['user', 'Why?'],
      [
        'assistant',
        expect.stringMatching(
          /^Summary of the turns before \(the variable `history` has them whole\):\n\nFound/,
        ),
      ],
      ...[4, 5, 6, 7, 8, 9].flatMap((turn) => [
        ['user', `saw ${turn} xxxxxxxxxx`],
        ['assistant', `did ${turn}`],
      ]),
    ]);
    const [first] = await readLinks(store, transcript);
    expect(first?.summarises).toBe(before);
  });

  test('asks with the older turns as they were sent before, so that a prompt cache has them', async () => {
    const before = await transcriptOf(9);
    await compact(before);
    const whole = await readTranscript(store, before);
    const asked = seen[0] ?? [];
    expect(asked.slice(0, -1)).toEqual(whole.slice(0, 7));
    expect(asked.at(-1)?.role).toBe('user');
  });

  test('keeps fewer turns when they are long', async () => {
    const before = await transcriptOf(9, 4000);
    const { transcript } = await compact(before, { contextTokens: 10_000 });
    expect(await readLinks(store, transcript)).toHaveLength(3);
  });

  test('again, it gives the same transcript and pays nothing; a second compaction summarises the first', async () => {
    const before = await transcriptOf(9);
    await expect(compact(before, {}, dyingStore(store, 'afterRecord'))).rejects.toThrow(
      'the process died',
    );
    const again = await compact(before);
    expect(again.repeated).toBe(true);
    expect(model.requests).toHaveLength(1);
    let longer = again.transcript;
    for (let turn = 10; turn < 15; turn++) {
      longer = await extendTranscript(store, longer, [
        { role: 'user', content: `saw ${turn}` },
        { role: 'assistant', content: `did ${turn}` },
      ]);
    }
    const second = await compact(longer);
    expect(seen[1]?.[2]?.content).toMatch(/^Summary of the turns before/);
    expect(await readLinks(store, second.transcript)).toHaveLength(7);
  });

  test('a transcript without older turns stays as it is, and nobody is asked', async () => {
    const before = await transcriptOf(4);
    expect((await compact(before)).transcript).toBe(before);
    expect(model.requests).toEqual([]);
  });

  test('a provider that refuses the prompt, or an empty summary, leaves a sentence in its place', async () => {
    const before = await transcriptOf(9);
    fault = { kind: 'status', status: 400 };
    const { transcript, usage } = await compact(before);
    expect((await readTranscript(store, transcript))[2]?.content).toMatch(
      /No summary could be written/,
    );
    expect(usage.costUsd).toBe(0);
  });

  test('an outage is thrown, and nothing is recorded', async () => {
    const before = await transcriptOf(9);
    fault = { kind: 'status', status: 503 };
    await expect(compact(before)).rejects.toMatchObject({ failure: { type: 'Model.Unavailable' } });
    fault = undefined;
    expect((await compact(before)).repeated).toBe(false);
  });

  test('calls of the tool stay paired with their answers', async () => {
    let newest: Digest | null = null;
    for (let turn = 1; turn <= 9; turn++) {
      const calls = [{ id: `c${turn}`, arguments: '{"code":"x"}' }];
      newest = await extendTranscript(store, newest, [
        ...(turn === 1
          ? [
              { role: 'system' as const, content: 'Rules.' },
              { role: 'user' as const, content: 'Why?' },
            ]
          : [{ role: 'tool' as const, callId: `c${turn - 1}`, content: `saw ${turn}` }]),
        { role: 'assistant', content: '', calls },
      ]);
    }
    const { transcript } = await compact(newest ?? '', { replies: 'tool' });
    const messages = await readTranscript(store, transcript);
    expect(messages[3]).toEqual({ role: 'user', content: 'saw 4' });
    for (const [at, message] of messages.entries()) {
      if (message.role === 'tool') expect(messages[at - 1]?.calls?.[0]?.id).toBe(message.callId);
    }
    expect(seen[0]?.at(-1)?.role).toBe('tool');
  });
});
