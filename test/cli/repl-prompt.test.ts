import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openWorkplace, type Workplace } from './rlm-command.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const UP = '\u001B[A';
const ENTER = '\r';

let place: Workplace;
beforeAll(async () => {
  place = await openWorkplace();
});
afterAll(() => place.remove());

const driven = spawnSync('python3', ['--version']).error === undefined;
if (!driven) process.stderr.write('The prompt is not tested: that needs python3 for a terminal.\n');

/** What the terminal shows between the first prompt and the digest at the end. */
function between(shown: string): string {
  return shown.slice(shown.indexOf('>>> '), shown.indexOf('Open it again with'));
}

describe('the prompt of rlm repl, in a terminal', () => {
  (driven ? test : test.skip)(
    'blocks go on until an empty line, Ctrl-C ends a cell or drops what is typed, errors end nothing, exit leaves',
    async () => {
      const { code, shown } = await place.terminal(
        ['repl'],
        [
          ['>>> ', `kept = 41${ENTER}`],
          ['>>> ', `def f(n):${ENTER}`],
          ['... ', `    return n + 1${ENTER}`],
          ['... ', ENTER],
          ['>>> ', `f(kept)${ENTER}`],
          ['\n42\n', `kept = "lost"; print("begun")${ENTER}`],
          ['\nbegun\n', `while True: pass${ENTER}`],
          ['while True: pass\n', CTRL_C],
          ['Interrupted: the kernel was destroyed', `kept, f(1)${ENTER}`],
          [`\n('lost', 2)\n`, `s = '''a${ENTER}`],
          ['... ', `b'''${ENTER}`],
          ['>>> ', `len(s)${ENTER}`],
          ['\n3\n', `half a li${CTRL_C}`],
          ['KeyboardInterrupt (exit or Ctrl-D leaves)', `1/0${ENTER}`],
          ['ZeroDivisionError: division by zero\n', `llm_query("echo " + str(kept))${ENTER}`],
          [`'echo lost'\n`, `exit${ENTER}`],
        ],
      );
      expect({ code, shown }).toMatchObject({ code: 0 });
      expect(between(shown)).toContain('    1/0\n    ~^~\nZeroDivisionError');
      expect(shown).toMatch(/Open it again with: rlm repl --image sha256:[0-9a-f]{64}\n$/);
    },
    300_000,
  );

  (driven ? test : test.skip)(
    'a later session on its image recalls the lines of the first, and Ctrl-D leaves',
    async () => {
      const first = await place.terminal(
        ['repl'],
        [
          ['>>> ', `word = "recalled"${ENTER}`],
          ['>>> ', `word.upper()${ENTER}`],
          ["'RECALLED'\n", CTRL_D],
        ],
      );
      expect(first.code).toBe(0);
      const image = /--image (sha256:[0-9a-f]{64})/.exec(first.shown)?.[1] ?? '';
      const second = await place.terminal(
        ['repl', '--image', image],
        [
          ['>>> ', `${UP}${ENTER}`],
          ["'RECALLED'\n", CTRL_D],
        ],
      );
      expect(second.code).toBe(0);
      expect(between(second.shown)).toContain("word.upper()\n'RECALLED'\n");
    },
    300_000,
  );
});
