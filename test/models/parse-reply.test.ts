import { describe, expect, test } from '@jest/globals';
import { Parser } from 'commonmark';
import * as fc from 'fast-check';
import { fencedBlocks } from '../../models/fenced-blocks.ts';
import { MAX_CELLS, parseReply } from '../../models/parse-reply.ts';
import { endsInTripleQuotes } from '../../models/python-string.ts';

const lines = (...parts: string[]): string => parts.join('\n');

describe('parseReply', () => {
  test.each<[string, string, string[], string[]]>([
    ['prose alone', 'I think so.', [], []],
    ['a python block', lines('Now:', '```python', 'x = 1', '```', 'done'), ['x = 1'], []],
    ['py', lines('```py', 'x = 1', '```'), ['x = 1'], []],
    ['Python3 in other case', lines('```Python3', 'x = 1', '```'), ['x = 1'], []],
    ['repl', lines('```repl', 'x = 1', '```'), ['x = 1'], []],
    ['a bare fence', lines('```', 'x = 1', '```'), ['x = 1'], []],
    ['tildes', lines('~~~python', 'x = 1', '~~~'), ['x = 1'], []],
    ['words after the language', lines('``` python title="a"', 'x', '```'), ['x'], []],
    ['two blocks in order', lines('```python', 'a', '```', '```py', 'b', '```'), ['a', 'b'], []],
    ['an unclosed last fence', lines('```python', 'x = 1', 'y = 2'), ['x = 1\ny = 2'], []],
    ['another language', lines('```bash', 'ls', '```', '```python', 'x', '```'), ['x'], ['bash']],
    ['an empty block', lines('```python', '', '  ', '```'), [], []],
    ['carriage returns', '```python\r\nx = 1\r\n```\r\n', ['x = 1'], []],
    ['a shorter fence inside', lines('````python', '```', 'x', '````'), ['```\nx'], []],
    ['a fence of the other kind inside', lines('```python', '~~~', 'x', '```'), ['~~~\nx'], []],
    ['a longer closing fence', lines('```python', 'x', '`````', 'after'), ['x'], []],
    [
      'a fence with words does not close',
      lines('```python', 's = 1', '``` not yet', '```'),
      ['s = 1\n``` not yet'],
      [],
    ],
    ['a fence indented by four spaces', lines('    ```python', '    x', '    ```'), [], []],
    [
      'an indented fence takes its indentation away',
      lines('  ```python', '  if a:', '      b', ' c', '  ```'),
      ['if a:\n    b\nc'],
      [],
    ],
    ['inline code', 'Use ```python x = 1``` here', [], []],
    ['a fence with a backtick in its words', lines('```py `x`', 'x'), [], []],
    [
      'a list item',
      lines('10. Look:', '', '    ```python', '    if a:', '        x', '    ```'),
      ['if a:\n    x'],
      [],
    ],
    ['an item of an item', lines('- a', '  - b', '    ```python', '    x', '    ```'), ['x'], []],
    ['an item that begins with its block', lines('- ```python', '  x', '  ```', '- y'), ['x'], []],
    [
      'code without the indentation of its item',
      lines('1. a', '   ```python', 'x', '   ```'),
      ['x'],
      [],
    ],
    ['a block quote', lines('> ```python', '> x', '> ```'), ['x'], []],
    ['the end of a quote ends its block', lines('> ```python', '> x', 'I think so.'), ['x'], []],
    ['a block in HTML', lines('<details>', '```python', 'x', '```', '</details>'), ['x'], []],
    [
      'the language in braces',
      lines('```{.python}', 'x', '```', '```{r}', 'y', '```'),
      ['x'],
      ['r'],
    ],
    ['a file name after the language', lines('```python:main.py', 'x', '```'), ['x'], []],
    [
      'Markdown around Python is one block',
      lines('```markdown', '```python', 'x', '```', '```'),
      [],
      ['markdown'],
    ],
    [
      'thoughts',
      lines('<think>', '```python', 'x', '```', '</think>', '```python', 'y', '```'),
      ['y'],
      [],
    ],
  ])('%s', (_, reply, cells, ignoredBlocks) => {
    expect(parseReply(reply)).toEqual({ cells, ignoredBlocks });
  });

  test('a fence inside a triple-quoted string does not end the block', () => {
    const code = lines(
      'answer["content"] = """# Report',
      '```json',
      '{"a": 1}',
      '```',
      'the end"""',
      'answer["ready"] = True',
    );
    expect(parseReply(lines('```python', code, '```', 'That is it.')).cells).toEqual([code]);
  });

  test('a string that never ends does not swallow the next block', () => {
    const reply = lines('```python', 'x = """oops', '```', 'and', '```python', 'y = 2', '```');
    expect(parseReply(reply).cells).toEqual(['x = """oops', 'y = 2']);
  });

  test('a block cut off by the output limit is not run and is reported', () => {
    const reply = lines('```python', 'x = 1', '```', '```python', 'rows = [1, 2');
    expect(parseReply(reply, { cutOff: true })).toEqual({
      cells: ['x = 1'],
      ignoredBlocks: ['python, cut off by the output limit'],
    });
  });

  test('a closed block of a cut-off reply is run', () => {
    const reply = lines('```python', 'x = 1', '```', 'And then I w');
    expect(parseReply(reply, { cutOff: true })).toEqual({ cells: ['x = 1'], ignoredBlocks: [] });
  });

  test('blocks beyond the limit are reported, not run', () => {
    const reply = Array.from({ length: 45 }, (_, at) => lines('```python', `x = ${at}`, '```'));
    const { cells, ignoredBlocks } = parseReply(reply.join('\n'));
    expect(cells).toHaveLength(MAX_CELLS);
    expect(cells.at(-1)).toBe('x = 19');
    expect(ignoredBlocks).toEqual(Array(20).fill('python, beyond 20 blocks'));
  });

  test('the name of a language is shortened', () => {
    expect(parseReply(lines(`\`\`\`${'l'.repeat(500)}`, 'x', '```')).ignoredBlocks).toEqual([
      'l'.repeat(40),
    ]);
  });

  test('many fences in an open string take no time that grows with their square', () => {
    const reply = '```python\nx = """\n' + '```\n'.repeat(200_000);
    expect(parseReply(reply).cells[0]).toBe('x = """');
  });

  test('property: blocks in fences longer than any inside come back as they were', () => {
    const line = fc
      .array(fc.constantFrom('x', ' ', '`', '~', '"', "'", '#', '\\', 'py', '('), { maxLength: 8 })
      .map((parts) => parts.join(''));
    const code = fc
      .array(line, { minLength: 1, maxLength: 6 })
      .map((parts) => parts.join('\n'))
      .filter((text) => text.trim() !== '' && !endsInTripleQuotes(text));
    fc.assert(
      fc.property(fc.array(code, { maxLength: 5 }), (codes) => {
        const reply = codes.map((text) =>
          lines('Then:', `${fence(text)}python`, text, fence(text)),
        );
        expect(parseReply(reply.join('\n\n'))).toEqual({ cells: codes, ignoredBlocks: [] });
      }),
    );
  });

  test('property: finds what the reference implementation of CommonMark finds', () => {
    const text = fc.constantFrom('', 'x', '  x', '    x', 'a *b* `c`', '\tx', '# h');
    const fences = fc.constantFrom(
      '```',
      '````',
      '~~~',
      '```python',
      ' ```py',
      '   ```',
      '``` x`',
      '``',
    );
    const block = fc.array(fc.oneof(text, fences), { maxLength: 8 });
    // Blocks in containers keep to them: there this parser takes more, on purpose.
    const held = fc
      .tuple(fc.constantFrom('> ', '- ', '10. ', '> - '), block, fc.nat(99))
      .map(([marker, body, width]) => {
        const longer = '`'.repeat(3 + (width % 3));
        const inner = body.filter((line) => !/`{3}|~{3}/.test(line));
        const rest = marker.replaceAll(/[^>\s]/g, ' ');
        return [
          '',
          ...[`${longer}python`, ...inner, longer].map(
            (line, at) => (at === 0 ? marker : rest) + line,
          ),
          'x',
        ];
      });
    fc.assert(
      fc.property(fc.array(fc.oneof(held, block), { maxLength: 6 }), (parts) => {
        // One open block would take all that follows in both; the containers after it are then text.
        const markdown = parts.flat().join('\n');
        const found = fencedBlocks(markdown, () => false).map(({ language, code }) => [
          language,
          withoutBlankEnd(code),
        ]);
        expect(found).toEqual(referenceBlocks(markdown));
      }),
      { numRuns: 2000 },
    );
  });

  test('property: never throws, and each cell consists of lines of the reply', () => {
    const part = fc.constantFrom('```', '~~~', '````python', '```js', '\n', 'x = """', '"""', '  ');
    fc.assert(
      fc.property(fc.array(fc.oneof(part, fc.string()), { maxLength: 40 }), (parts) => {
        const reply = parts.join('');
        const known = new Set(reply.split(/\r\n|\n|\r/).flatMap((text) => suffixes(text)));
        for (const cell of parseReply(reply).cells) {
          for (const text of cell.split('\n')) expect(known).toContain(text);
        }
      }),
    );
  });
});

/** A fence takes up to three spaces of indentation away. */
function suffixes(text: string): string[] {
  return [0, 1, 2, 3].filter((at) => text.slice(0, at).trim() === '').map((at) => text.slice(at));
}

/** The reference drops blank lines at the end of an unclosed block; to Python they are nothing. */
function withoutBlankEnd(code: string): string {
  return code.replace(/\n+$/, '');
}

/** Language and code of each fenced block, as commonmark.js sees it. */
function referenceBlocks(markdown: string): string[][] {
  const walker = new Parser().parse(markdown).walker();
  const blocks: string[][] = [];
  for (let step = walker.next(); step !== null; step = walker.next()) {
    const { entering, node } = step;
    if (!entering || node.type !== 'code_block' || Reflect.get(node, '_isFenced') !== true)
      continue;
    const [language = ''] = (node.info ?? '').trim().split(/[\s]/);
    blocks.push([language, withoutBlankEnd(node.literal ?? '')]);
  }
  return blocks;
}

function fence(text: string): string {
  return '`'.repeat(Math.max(3, ...(text.match(/`+/g) ?? []).map((run) => run.length + 1)));
}

describe('endsInTripleQuotes', () => {
  test.each<[string, boolean]>([
    ['x = """a', true],
    ["x = '''a", true],
    ['x = """a"""', false],
    ['x = """a\'\'\'', true],
    ['x = """a\\"""', true],
    ['# """', false],
    ['x = 1 # """\ny = """', true],
    ['x = "#" + """', true],
    ["it = 'don\\'t' + '''", true],
    ['x = "unclosed\ny = 1', false],
    ['x = "a\\\nb" + """', true],
    ['""', false],
    ['', false],
  ])('%j → %s', (source, open) => {
    expect(endsInTripleQuotes(source)).toBe(open);
  });
});
