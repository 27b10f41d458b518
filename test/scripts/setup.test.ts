import { once } from 'node:events';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { scratchDirectories } from '../store/scratch-directory.ts';
import { fakeClone } from './fake-clone.ts';

const scratch = scratchDirectories();
const READY = /^set-up: ready after \d+\.\d s$/m;

describe('set-up', () => {
  test('installs and prepares a fresh clone, and then does nothing more', async () => {
    const clone = await fakeClone(await scratch());
    const first = await clone.setUp();
    expect(first.output).toMatch(/^set-up: installing packages \(npm ci\)/);
    expect(first.output).toMatch(/^set-up: packages installed in \d+\.\d s$/m);
    expect(first.output).toMatch(/^set-up: made an artifact$/m);
    expect(first.output).toMatch(READY);
    expect(first.code).toBe(0);
    expect(await clone.setUp()).toEqual({ code: 0, output: '' });
    expect(await clone.calls()).toEqual(['npm ci', 'prepare']);
  });

  test('installs again when the lock file changed', async () => {
    const clone = await fakeClone(await scratch());
    await clone.setUp();
    await clone.setLock('1.0.1');
    expect((await clone.setUp()).output).toMatch(READY);
    expect(await clone.calls()).toEqual(['npm ci', 'prepare', 'npm ci', 'prepare']);
  });

  test('prepares again, and installs nothing, when what it made has gone', async () => {
    const clone = await fakeClone(await scratch());
    await clone.setUp();
    await clone.removeArtifact();
    expect((await clone.setUp()).code).toBe(0);
    expect(await clone.calls()).toEqual(['npm ci', 'prepare', 'prepare']);
  });

  test('prepares again when the sources of the base image or the cache folder changed', async () => {
    const clone = await fakeClone(await scratch());
    await clone.setUp();
    await writeFile(join(clone.root, 'repl'), 'another kernel');
    await clone.setUp();
    await clone.setUp({ RLM_CACHE_DIR: '/elsewhere' });
    expect(await clone.calls()).toEqual(['npm ci', 'prepare', 'prepare', 'prepare']);
  });

  test("takes over what somebody's own npm ci has installed", async () => {
    const clone = await fakeClone(await scratch());
    await clone.setUp();
    await rm(join(clone.root, 'node_modules', '.durable-rlm-setup.json'));
    await clone.setUp();
    expect(await clone.calls()).toEqual(['npm ci', 'prepare', 'prepare']);
  });

  test('run twice at the same time installs once', async () => {
    const clone = await fakeClone(await scratch());
    const outcomes = await Promise.all([clone.setUp(), clone.setUp(), clone.setUp()]);
    expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(await clone.calls()).toEqual(['npm ci', 'prepare']);
    expect(await readdir(join(clone.root, '.rlm'))).toEqual([]);
  });

  test('killed in the middle of npm ci, it starts that again', async () => {
    const clone = await fakeClone(await scratch());
    const child = clone.start({ FAKE_NPM: 'hang' });
    // npm has said that it is half-way once its folder is there.
    while (!(await readdir(clone.root)).includes('node_modules')) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect((await clone.setUp()).output).toMatch(READY);
    expect(await clone.calls()).toEqual(['npm ci', 'npm ci', 'prepare']);
  });
});

describe('set-up that cannot go on says why in one line, and is not done', () => {
  test.each<[string, NodeJS.ProcessEnv, string]>([
    [
      'npm ci fails',
      { FAKE_NPM: 'fail' },
      'set-up: npm ci failed (E404; 404 Not Found - thing): see it whole with --debug, or run "npm ci".\n',
    ],
    [
      'npm is missing',
      { PATH: '/nowhere' },
      'set-up: npm was not found on PATH: install Node with npm from https://nodejs.org.\n',
    ],
    [
      'install scripts are not run',
      { FAKE_NPM: 'no-scripts' },
      'set-up: The Node that this project pins does not run: install scripts of npm packages must be allowed (npm config get ignore-scripts), then run "npm ci".\n',
    ],
    [
      'Node is too old',
      { NODE_OPTIONS: `--import=data:text/javascript,${oldNode()}` },
      'set-up: Node 20 or later is needed and this is 18.19.0: install one from https://nodejs.org and try again.\n',
    ],
  ])('%s', async (_, env, line) => {
    const clone = await fakeClone(await scratch());
    const { code, output } = await clone.setUp(env);
    const lines = output.split('\n').filter((text) => !/installing|installed/.test(text));
    expect(lines.join('\n')).toBe(line);
    expect(code).toBe(1);
    expect((await clone.setUp()).output).toMatch(READY);
  });
});

function oldNode(): string {
  const versions = "Object.defineProperty(process,'versions',{value:{node:'18.19.0'}})";
  return encodeURIComponent(versions);
}
