import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { serverOptions } from '../../worker/server-options.ts';
import { TEMPORAL_CLI_VERSION } from '../../worker/temporal-cli-cache.ts';

// Scope: what the container files say twice must be what the code says. Their form is checked by scripts/check-compose.ts.

const ROOT = join(import.meta.dirname, '..', '..');
const compose = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');

/** The values that follow an option in a list of arguments. */
function valuesOf(option: string, list: readonly string[]): string[] {
  return list.flatMap((value, index) => (list[index - 1] === option ? [value] : []));
}

const composeArguments = [...compose.matchAll(/^\s+- '?(.*?)'?$/gm)].map((match) => match[1] ?? '');
const embedded = serverOptions({ dbFile: '/data/temporal.db', port: 7233, uiPort: 8233 });

describe('docker-compose.yml', () => {
  test.each(['--dynamic-config-value', '--search-attribute', '--db-filename', '--log-level'])(
    'gives the server the same %s as the embedded one has',
    (option) => {
      const expected = valuesOf(option, embedded);
      expect(expected.length).toBeGreaterThan(0);
      expect(valuesOf(option, composeArguments)).toEqual(expected);
    },
  );

  test('runs the version of Temporal that set-up installs', () => {
    expect(compose).toContain(`temporalio/temporal:${TEMPORAL_CLI_VERSION}\n`);
  });

  test('opens its ports to this machine only', () => {
    const ports = [...compose.matchAll(/^\s+- (\S*\d+:\d+)$/gm)].map((match) => match[1]);
    expect(ports).toEqual(['127.0.0.1:7233:7233', '127.0.0.1:8233:8233']);
  });
});

describe('Dockerfile', () => {
  test('has the Node that package.json pins, in each of its stages', () => {
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map((match) => match[1]);
    expect(images).toHaveLength(2);
    for (const image of images) expect(image).toMatch(`node:${devDependencies.node}-`);
  });

  test('copies only what the published package has and the build needs', () => {
    const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
    expect(ignored).toEqual(expect.arrayContaining(['node_modules', '.git', '.rlm', 'dist']));
  });
});
