import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { typedAnswer } from '../../client/index.ts';
import type { ScriptedMessage } from '../../examples/support/scripted-model.ts';
import { openRealWorld, type RealWorld } from '../support/real-world.ts';

// Scope: replies as models write them, through workflow, worker and kernel as they are; only the model is scripted.

const FENCE = '```';

/** Replies by question, in the order of turns. */
const REPLIES: Record<string, string[]> = {
  'Q: fabricated': [
    `1. I look.\n\n   ${FENCE}python\n   print("x" * 20_000 + "clause 9")\n   ${FENCE}\n2. I answer.\n\n   ${FENCE}python\n   answer["content"] = {"clause": "7"}\n   answer["ready"] = True\n   ${FENCE}\n`,
    `${FENCE}python\nprint(out["1.1"].split()[-1], len(history), answer)\n${FENCE}`,
    `${FENCE}python\nanswer["content"] = {"clause": int(out["2.1"].split()[0])}\nanswer["ready"] = True\n${FENCE}`,
  ],
  'Q: fences': [
    `${FENCE}python\nreport = """# Report\n\n${FENCE}json\n{"a": 1}\n${FENCE}\n\nEnd."""\n${FENCE}\n\nThat was the draft.`,
    '**FINAL_VAR(report)**',
  ],
  'Q: nobody writes code': ['I think 7.', 'As I said, 7.', 'Seven!', 'It is 7.'],
};

const prompts = new Map<string, string[]>();

function reply(messages: readonly ScriptedMessage[], turn: number): string {
  const question = /Q:[^\n]*/.exec(messages[1]?.content ?? '')?.[0] ?? '';
  prompts.set(question, [...(prompts.get(question) ?? []), messages.at(-1)?.content ?? '']);
  return REPLIES[question]?.[turn - 1] ?? '';
}

let world: RealWorld;
beforeAll(async () => {
  world = await openRealWorld({ reply, root: () => '', sub: () => '' });
}, 120_000);
afterAll(() => world.close());

describe('what peers get wrong', () => {
  test('a final answer fabricated in the same reply as its code is not accepted', async () => {
    const answerSchema = z.object({ clause: z.number() });
    const run = await world.client.run({ question: 'Q: fabricated', input: 'text', answerSchema });
    expect(typedAnswer(run, answerSchema)).toEqual({ clause: 9 });
    expect(run.result).toMatchObject({ draftVersion: 2, spend: { turns: 3 } });
    const [, second = '', third = ''] = prompts.get('Q: fabricated') ?? [];
    expect(second).toMatch(
      /^turn 1\/30 · 0 sub-calls · \$0\.00 of \$1\.00 · draft v1, \d+ chars\n/,
    );
    expect(second).toContain('10,008 characters not shown; out["1.1"] is the whole');
    expect(second).toMatch(/answer\["ready"\] was set in a reply whose output you had not seen\./);
    expect(third).toContain("9 5 {'content': {'clause': '7'}, 'ready': False}");
  }, 120_000);

  test('nested code fences do not break the transcript', async () => {
    const run = await world.client.run({ question: 'Q: fences', input: 'text' });
    expect([run.answer, run.result.spend.turns]).toEqual([
      `# Report\n\n${FENCE}json\n{"a": 1}\n${FENCE}\n\nEnd.`,
      2,
    ]);
  }, 120_000);

  test('a model that never writes code ends with a reason, and what it knows', async () => {
    const run = await world.client.run({ question: 'Q: nobody writes code', input: 'text' });
    expect([run.answer, run.result.reason, run.result.extracted]).toEqual([
      'It is 7.',
      'noCode',
      true,
    ]);
    const [, reminder = ''] = prompts.get('Q: nobody writes code') ?? [];
    expect(reminder).toContain(
      `${FENCE}python\nprint(type(input_data), len(input_data))\n${FENCE}`,
    );
  }, 120_000);
});
