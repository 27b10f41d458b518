import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { type FaultServer, startFaultServer } from '../support/fault-server.ts';
import { openRealWorld, type RealWorld } from '../support/real-world.ts';

// Scope: a run whose model has a small context window. All rooms are real, the model is scripted.

const TURNS = 9;
/** About 2,000 tokens, however they are counted. */
const PROSE = 'The sea was calm that day. '.repeat(300);

/** What a turn wrote and what came of it. */
const codeOf = (turn: number): string => `# the code of turn ${turn}
mark = "The sea was calm that day. " * 300 + "end of ${turn}"
print(mark)`;
const outputOf = (turn: number): string => `${PROSE}end of ${turn}`;
const LAST =
  'import json\nanswer.update(content=json.dumps([history, out["1.1"], mark]), ready=True)';

const Messages = z.array(z.object({ role: z.string(), content: z.string() }));
type Messages = z.infer<typeof Messages>;

/** Requests for turns and for summaries, as they were sent. */
const turns: Messages[] = [];
const summaries: Messages[] = [];
const folder = mkdtempSync(join(tmpdir(), 'rlm-compaction-'));
let server: FaultServer;
let world: RealWorld;

function reply(messages: Messages): string {
  if (messages.at(-1)?.content.startsWith('The conversation becomes too long') === true) {
    return `Summary ${summaries.push(messages)}.`;
  }
  const turn = turns.push(messages);
  return `\`\`\`python\n${turn < TURNS ? codeOf(turn) : LAST}\n\`\`\``;
}

beforeAll(async () => {
  server = await startFaultServer(({ body }) => {
    const messages = Messages.parse(body.messages);
    const text = reply(messages);
    const chars = messages.reduce((sum, { content }) => sum + content.length, 0);
    const usage = { input: Math.ceil(chars / 4), output: Math.ceil(text.length / 4) };
    return { kind: 'reply', text, usage };
  });
  const config = join(folder, 'rlm.config.json');
  const small = {
    baseUrl: server.baseUrl,
    keyVariable: null,
    contextTokens: 12_000,
    maxOutputTokens: 1000,
    prices: { inputUsdPerMTok: 0, outputUsdPerMTok: 0 },
  };
  const models = { 'root-model': small, 'helper-model': small };
  writeFileSync(config, JSON.stringify({ root: 'root-model', sub: 'helper-model', models }));
  world = await openRealWorld({ root: () => '', sub: () => '', env: { RLM_CONFIG: config } });
}, 120_000);
afterAll(async () => {
  await world.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a run whose turns were summarised has all of them whole in its REPL', async () => {
  const { answer, result } = await world.client.run({ question: 'Q: all', input: 'text' });
  expect([result.reason, turns.length]).toEqual(['answered', TURNS]);
  // Again and again, so that summaries were summarised.
  expect(summaries.length).toBeGreaterThan(1);
  const last = JSON.stringify(turns.at(-1));
  expect(last).toContain(`Summary ${summaries.length}.`);
  expect([last.includes('the code of turn 1'), last.includes('end of 1')]).toEqual([false, false]);

  const [history, output, mark] = z
    .tuple([Messages, z.string(), z.string()])
    .parse(JSON.parse(answer ?? ''));
  const said = (turn: number): Messages[number] => ({
    role: 'assistant',
    content: `\`\`\`python\n${turn < TURNS ? codeOf(turn) : LAST}\n\`\`\``,
  });
  const shown = turns.slice(1).map((messages) => messages.slice(-1));
  expect(history).toEqual([
    ...(turns[0] ?? []),
    said(1),
    ...shown.flatMap((observation, i) => [...observation, said(i + 2)]),
  ]);
  for (let turn = 1; turn < TURNS; turn++) {
    expect(shown[turn - 1]?.[0]?.content).toContain(outputOf(turn));
  }
  expect([output, mark]).toEqual([`${outputOf(1)}\n`, outputOf(TURNS - 1)]);
}, 120_000);
