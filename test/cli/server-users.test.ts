import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addUser, otherUsers, removeUser } from '../../cli/server-users.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'rlm-users-'));
});
afterEach(() => rm(home, { recursive: true }));

test('a process that left or died does not keep the server', async () => {
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(other, 'spawn');
  await addUser(home);
  await addUser(home, other.pid);
  expect(await otherUsers(home)).toEqual([other.pid]);

  other.kill('SIGKILL');
  await once(other, 'exit');
  expect(await otherUsers(home)).toEqual([]);
});

test('removing is safe to do twice, and strange files count for nothing', async () => {
  await addUser(home);
  await writeFile(join(home, 'server-users', 'notes.txt'), '');
  await removeUser(home);
  await removeUser(home);
  expect(await otherUsers(home, 0)).toEqual([]);
});

test('a home without a server has no users', async () => {
  expect(await otherUsers(join(home, 'missing'))).toEqual([]);
});
