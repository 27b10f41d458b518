import { describe, expect, test } from '@jest/globals';
import { codeOf, ToolCallCollector, toWireMessage } from '../../models/python-tool.ts';

describe('codeOf', () => {
  test.each<[string, string | null]>([
    ['{"code": "x = 1"}', 'x = 1'],
    ['"x = 1"', 'x = 1'],
    ['{"code": 1}', null],
    ['{"code": "x', null],
    ['', null],
    ['null', null],
    ['[]', null],
  ])('%j → %j', (text, code) => {
    expect(codeOf({ id: 'a', arguments: text })).toBe(code);
  });
});

describe('the calls of a streamed reply', () => {
  test('are put together from pieces that come mixed', () => {
    const collector = new ToolCallCollector();
    const piece = (index: number, text: string, id?: string): void =>
      collector.add({
        tool_calls: [{ index, ...(id === undefined ? {} : { id }), function: { arguments: text } }],
      });
    piece(1, '{"code":', 'b');
    piece(0, '{"co', 'a');
    piece(1, '"y"}');
    piece(0, 'de":"x"}');
    piece(2, '{}');
    expect(collector.calls).toEqual([
      { id: 'a', arguments: '{"code":"x"}' },
      { id: 'b', arguments: '{"code":"y"}' },
      { id: 'call-2', arguments: '{}' },
    ]);
  });

  test('are bounded', () => {
    const collector = new ToolCallCollector();
    for (let index = 0; index < 1000; index++) {
      collector.add({ tool_calls: [{ index, id: `${index}`, function: { arguments: '{}' } }] });
    }
    expect(collector.calls).toHaveLength(40);
  });
});

test('an empty reply is sent as some text: servers refuse an empty message', () => {
  expect(toWireMessage({ role: 'assistant', content: '' })).toEqual({
    role: 'assistant',
    content: '(empty reply)',
  });
});
