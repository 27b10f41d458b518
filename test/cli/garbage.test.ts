import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { digestOf, keeping, keptBy, openStore } from '../../store/index.ts';
import { openWorkplace, type Workplace } from './rlm-command.ts';

// Scope: `rlm gc`, `rlm forget` and `rlm repair` as commands; what a collection does is tested in test/store.

let place: Workplace;
beforeAll(async () => {
  place = await openWorkplace();
});
afterAll(async () => place.remove());

const OLD = new Date(Date.now() - 4 * 3_600_000);

describe('rlm gc', () => {
  test('needs no server, says first what it would free, then frees it', async () => {
    const root = join(place.dir, '.rlm', 'store');
    const store = keeping(await openStore(root));
    const [kept, garbage] = [Buffer.from('kept'), Buffer.from('garbage')];
    await keptBy('run a', () => store.blobs.put(kept));
    for (const bytes of [garbage, Buffer.from('young')]) await store.blobs.put(bytes);
    for (const bytes of [kept, garbage]) {
      const hex = digestOf(bytes).slice(7);
      await utimes(join(root, 'blobs', hex.slice(0, 2), hex.slice(2)), OLD, OLD);
    }
    const said = await place.rlm(['gc', '--dry-run']);
    expect(said).toMatchObject({ code: 0, stderr: '' });
    expect(said.stdout).toBe(
      '1 roots keep values in the store, 0 would be forgotten\n' +
        '3 blobs, 0.0 MiB: 1 would be freed, 0.0 MiB\n' +
        '1 blobs are kept by nothing, but too young to be sure\n',
    );
    expect(await store.blobs.has(digestOf(garbage))).toBe(true);
    const done = await place.rlm(['gc', '--json']);
    expect(JSON.parse(done.stdout)).toMatchObject({
      dryRun: false,
      roots: 1,
      discarded: 1,
      young: 1,
    });
    expect(await store.blobs.has(digestOf(garbage))).toBe(false);
    expect(await store.blobs.has(digestOf(kept))).toBe(true);
    expect(await place.traces()).not.toContain('temporal.db');
  });

  test.each([
    [
      ['gc', '--schedule', 'daily'],
      '--schedule: expected a time like 1d, five cron fields, or "off".',
    ],
    [['gc', '--schedule', '1d', '--dry-run'], '--dry-run and --schedule exclude each other.'],
    [['gc', '--older-than', 'long'], 'Expected a time like 90s, 15m, 1h or 2d.'],
  ])('%j is refused in one sentence', async (args, message) => {
    const { code, stderr } = await place.rlm(args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test('a retention that is no time is refused by the name of its variable', async () => {
    const { code, stderr } = await place.rlm(['gc'], { RLM_RETENTION: 'for ever' });
    expect(code).toBe(2);
    expect(stderr).toBe('rlm: RLM_RETENTION is "for ever": expected a time like 30d.\n');
  });
});
