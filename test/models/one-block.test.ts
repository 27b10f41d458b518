import { afterEach, describe, expect, test } from '@jest/globals';
import { FirstBlock } from '../../models/first-block.ts';
import { type ModelWorld, openModelWorld } from './model-world.ts';

/** The reply as a stream of pieces of so many characters, and where it was stopped. */
function stopAt(reply: string, pieces: number): string | null {
  const block = new FirstBlock();
  for (let end = pieces; end < reply.length + pieces; end += pieces) {
    const found = block.upTo(reply.slice(0, end));
    if (found !== null) return found;
  }
  return null;
}

const BLOCK = 'First:\n```python\nprint(1)\n```';

describe('FirstBlock', () => {
  test.each<[string, string, string | null]>([
    ['after the block', `${BLOCK}\nOutput:\n1\n\`\`\`python\nprint(2)\n\`\`\`\n`, BLOCK],
    ['not in the block', 'First:\n```python\nprint(1)\n', null],
    ['not before the fence is whole', BLOCK, null],
    ['not after another language', '```bash\nls\n```\nand\n', null],
    [
      'after Python that comes later',
      `\`\`\`bash\nls\n\`\`\`\n${BLOCK}\nx`,
      `\`\`\`bash\nls\n\`\`\`\n${BLOCK}`,
    ],
    ['not after an empty block', '```python\n\n```\nwhat now\n', null],
    ['not in thoughts', `<think>\n${BLOCK}\nhm\n</think>\nNo.\n`, null],
    [
      'after thoughts',
      `<think>\n${BLOCK}\n</think>\n${BLOCK}\nx`,
      `<think>\n${BLOCK}\n</think>\n${BLOCK}`,
    ],
    ['not at a fence inside a string', 'A\n```python\ns = """\n```json\n{}\n```\nmore\n', null],
    [
      'after the string',
      'A\n```python\ns = """\n```json\n{}\n```\n"""\n```\nOutput:\n',
      'A\n```python\ns = """\n```json\n{}\n```\n"""\n```',
    ],
    ['with carriage returns', 'A\r\n```python\r\nx\r\n```\r\nB\r\n', 'A\r\n```python\r\nx\r\n```'],
    ['tildes', '~~~python\nx\n~~~\nmade up', '~~~python\nx\n~~~'],
  ])('stops %s', (_, reply, expected) => {
    for (const pieces of [1, 2, 3, 7, 1000])
      expect([pieces, stopAt(reply, pieces)]).toEqual([pieces, expected]);
  });
});

let world: ModelWorld;
let opened: ModelWorld | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

describe('a model marked oneBlock', () => {
  const deltas = `${BLOCK}\nOutput: 42\n\nSo it is 42.\n`
    .repeat(20)
    .match(/[^]{1,9}/g)
    ?.map((content) => ({ content }));

  test('is stopped at the end of its first block: what it would make up is never made', async () => {
    opened = world = await openModelWorld({ m: { oneBlock: true } }, () => ({
      kind: 'reply',
      deltas,
    }));
    const result = await world.turn();
    expect(result.reply.text).toBe(BLOCK);
    expect(result.cells.map(({ text }) => text)).toEqual(['print(1)']);
    expect(result.finishReason).toBe('block');
    // The provider counts nothing for a reply that was broken off.
    expect(result.usage).toMatchObject({ estimated: true, outputTokens: 10 });
    expect(await world.server.requests[0]?.left).toBe(true);
  });

  test('others are not', async () => {
    opened = world = await openModelWorld({ m: {} }, () => ({ kind: 'reply', deltas }));
    expect((await world.turn()).cells).toHaveLength(20);
  });

  test('nor is its answer without code', async () => {
    opened = world = await openModelWorld({ m: { oneBlock: true } }, () => ({
      kind: 'reply',
      deltas,
    }));
    const { reply } = await world.turn({ purpose: 'answer' });
    expect(reply.chars).toBeGreaterThan(BLOCK.length * 20);
  });
});
