import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

/** What the prelude's own tests are written for. */
const OLDEST = [3, 11] as const;

/** Why no Python of this machine can run them; null when one can. */
function whyNot(): string | null {
  const { error, stdout } = spawnSync('python3', ['--version'], { encoding: 'utf8' });
  if (error !== undefined) return 'there is no python3 on this machine';
  const [, major = '0', minor = '0'] = /(\d+)\.(\d+)/.exec(stdout) ?? [];
  const [least, least2] = OLDEST;
  const young = Number(major) > least || (Number(major) === least && Number(minor) >= least2);
  return young ? null : `python3 is ${stdout.trim()}, the tests need ${OLDEST.join('.')}`;
}

const reason = whyNot();
if (reason !== null)
  process.stderr.write(`The prelude is not tested with plain Python: ${reason}.\n`);

describe('the prelude under plain Python', () => {
  (reason === null ? test : test.skip)('does what its own tests say', () => {
    const folder = join(import.meta.dirname, 'python');
    const args = ['-B', '-m', 'unittest', 'discover', '-s', folder, '-p', 'check_*.py'];
    const { status, stderr } = spawnSync('python3', args, { encoding: 'utf8' });
    expect(stderr).toMatch(/\nRan \d\d+ tests in [\d.]+s\n\nOK\n$/);
    expect(status).toBe(0);
  });
});
