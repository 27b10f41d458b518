import { describe, expect, test } from '@jest/globals';
import { blockLines, liveView } from '../../cli/live-view.ts';
import { draft, progress } from './states.ts';

function screen(isTTY: boolean, columns = 200) {
  const written: string[] = [];
  return { isTTY, columns, written, write: (text: string) => written.push(text) };
}

describe('without a terminal', () => {
  test('says each place once, and a round at its quarters only', () => {
    const out = screen(false);
    const view = liveView(out, () => 0);
    view.update(progress());
    view.update(progress());
    for (let answered = 0; answered <= 100; answered++) {
      view.update(progress({ phase: 'calling', round: { answered, total: 100 } }));
    }
    view.end();
    const places = out.written.map((line) => / (\d+) of 100 sub-calls/.exec(line)?.[1] ?? line);
    expect(places).toEqual([
      '[ 0.0 s] turn 2/30 · cell 2.1 runs · 7 sub-calls · $0.0312 of $1.00\n',
      '0',
      '25',
      '50',
      '75',
      '100',
    ]);
  });

  test('says a new draft although nothing else changed', () => {
    const out = screen(false);
    const view = liveView(out, () => 0);
    view.update(progress({ draft: draft('one', 1) }));
    view.update(progress({ draft: draft('two!', 2) }));
    view.end();
    expect(out.written.map((line) => line.split(' · ').at(-1))).toEqual([
      'draft v1, 3 chars\n',
      'draft v2, 4 chars\n',
    ]);
  });
});

describe('on a terminal', () => {
  test('draws its block again in place and keeps notes above it', () => {
    const out = screen(true);
    const view = liveView(out, () => 0);
    view.update(progress());
    view.update(progress({ phase: 'calling', round: { answered: 1, total: 2 } }));
    view.note('a note');
    view.end();
    const [first, up1, second, up2, note, third, up3, last] = out.written;
    expect(first).toBe('0.0 s · turn 2/30 · cell 2.1 runs · 7 sub-calls · $0.0312 of $1.00\n');
    expect([up1, up2, up3]).toEqual([
      '\u001B[1A\u001B[J',
      '\u001B[2A\u001B[J',
      '\u001B[2A\u001B[J',
    ]);
    expect(second).toBe(third);
    expect(second).toBe(last);
    expect(note).toBe('a note\n');
  });

  test('cuts lines at the width of the terminal, since wrapped ones cannot be drawn over', () => {
    const out = screen(true, 20);
    const view = liveView(out, () => 0);
    view.update(progress());
    view.end();
    expect(out.written[0]).toBe('0.0 s · turn 2/30 …\n');
  });
});

test('text of a model cannot move the cursor', () => {
  const lines = blockLines(progress({ draft: draft('a\u001B[2Jb\n\tc\u0007d') }));
  expect(lines.at(-1)).toBe('  draft: ab c d');
});
