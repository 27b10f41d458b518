import { describe, expect, test } from '@jest/globals';
import { answerIn, cellsOf, confirmsInWords, type TurnReply } from '../../models/turn-reply.ts';
import { NO_USAGE } from '../../protocol/index.ts';

function said(text: string, fields: Partial<TurnReply> = {}): TurnReply {
  return { text, finishReason: 'stop', usage: NO_USAGE, model: 'stand-in', ...fields };
}

describe('cellsOf', () => {
  test('a call without usable code is reported, the others are run', () => {
    const calls = ['{"code":"x"}', '{"code":', '{"cmd":"x"}'].map((text, at) => ({
      id: `${at}`,
      arguments: text,
    }));
    expect(cellsOf(said('', { calls }))).toEqual({
      cells: ['x'],
      ignoredBlocks: ['a call of python without code', 'a call of python without code'],
    });
  });

  test('calls beyond the limit are reported, not run', () => {
    const calls = Array.from({ length: 22 }, (_, at) => ({
      id: `${at}`,
      arguments: `{"code":"${at}"}`,
    }));
    const { cells, ignoredBlocks } = cellsOf(said('', { calls }));
    expect([cells.length, ignoredBlocks]).toEqual([20, Array(2).fill('python, beyond 20 calls')]);
  });

  test('FINAL in a reply that was cut off is none', () => {
    expect(cellsOf(said('FINAL(one (1)', { finishReason: 'length' })).cells).toEqual([]);
  });

  // A model is not trusted with the time of the process that calls it: each of these is half a megabyte.
  test.each([
    ['spaces', `${' '.repeat(500_000)}a`],
    ['newlines', '\n'.repeat(500_000)],
    ['FINAL(', 'FINAL(\n'.repeat(70_000)],
    ['quote marks', `${'> '.repeat(250_000)}a`],
    ['items of items', `${'- '.repeat(20)}a\n`.repeat(12_000)],
    ['strings and fences', `\`\`\`python\n"""\n${'```\n"""\n'.repeat(60_000)}`],
    ['backticks', '`'.repeat(500_000)],
  ])('%s take no time that grows with their square', (_, text) => {
    cellsOf(said(text));
    answerIn(said(text));
  });
});

describe('confirmsInWords', () => {
  test.each([
    'CONFIRM',
    '**CONFIRM**',
    'FINAL',
    'SUBMIT()',
    'answer["ready"] = True',
    "answer['ready']=True",
    '```\nCONFIRM\n```',
    '```python\nCONFIRM\n```',
    `<think>${'The draft holds. '.repeat(500)}</think>\n\nCONFIRM.`,
  ])('takes %j', (text) => {
    expect(confirmsInWords(said(text))).toBe(true);
  });

  test.each([
    'CONFIRM or not?',
    'I cannot confirm.',
    'FINAL(another answer)',
    '```python\nanswer["ready"] = True\n```',
    '<think>CONFIRM',
    '',
  ])('does not take %j', (text) => {
    expect(confirmsInWords(said(text))).toBe(false);
  });

  test('takes no call of the tool for a word', () => {
    const calls = [{ id: '1', arguments: '{"code":"x"}' }];
    expect(confirmsInWords(said('CONFIRM', { calls }))).toBe(false);
  });
});
