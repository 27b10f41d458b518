import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '..', '..');
const PROGRAM = `
  import { HostProcess } from './repl/host/host-process.ts';
  const host = await HostProcess.start({ baseFolder: null, parkedMiB: 0, warmKernels: 0 });
  console.log('the host is ready');
  await host.dispose();
`;

test('a host starts where node_modules is a link, as in workspaces', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rlm-linked-'));
  try {
    for (const name of ['repl', 'protocol', 'store', 'package.json']) {
      cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const said = execFileSync(
      process.execPath,
      ['--no-warnings', '--input-type=module-typescript', '--eval', PROGRAM],
      { cwd: folder, encoding: 'utf8', timeout: 60_000 },
    );
    expect(said).toBe('the host is ready\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 90_000);
