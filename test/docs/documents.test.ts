import { describe, expect, test } from '@jest/globals';
import type { Command } from 'commander';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProgram } from '../../cli/program.ts';
import { loadRegistry } from '../../models/index.ts';

// Scope: what the documents name exists. Whether the library snippet runs is in readme-snippet.test.ts.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DOCUMENTS = [
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'docs/chaos.md',
  'docs/configuration.md',
  'docs/forks.md',
  'docs/inputs.md',
  'docs/limitations.md',
  'docs/models.md',
  'docs/steering.md',
  'docs/stores.md',
  'docs/tools.md',
  'examples/backend-service/README.md',
];
const ROOMS = [
  'activities',
  'audit',
  'cli',
  'client',
  'documents',
  'models',
  'repl',
  'store',
  'worker',
];

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function allMatches(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ''))];
}

describe.each(DOCUMENTS)('%s', (document) => {
  const text = read(document);

  test('names only npm scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = allMatches(text, /npm run (?:-s )?([\w:-]+)/g);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  test('names only commands of rlm that there are', () => {
    const commands = createProgram().commands.map((command) => command.name());
    const named = allMatches(text, /`rlm ([a-z]+)/g);
    expect(named.filter((name) => !commands.includes(name))).toEqual([]);
  });

  test('names only files that there are', () => {
    const paths = allMatches(text, /`((?:[\w.-]+\/)+[\w.-]*|[\w-]+\.(?:md|yml))`/g);
    const made = /^(\.rlm|dist|node_modules|agreements)\//;
    expect(paths.filter((path) => !made.test(path) && !existsSync(join(ROOT, path)))).toEqual([]);
  });
});

test('the options in the README are those of the commands', () => {
  const program = createProgram();
  const rows = read('README.md')
    .split('\n')
    .filter((line) => line.startsWith('| `rlm '));
  expect(rows.length).toBeGreaterThan(4);
  for (const row of rows) {
    const names = allMatches(row, /`rlm ([a-z]+(?: [a-z]+)?)/g);
    const known = names.flatMap((name) => optionsOf(find(program, name)));
    const used = allMatches(row, /(--[a-z-]+)/g);
    expect({ row, unknown: used.filter((option) => !known.includes(option)) }).toEqual({
      row,
      unknown: [],
    });
  }
});

function find(program: Command, names: string): Command {
  return names.split(' ').reduce((at, name) => {
    const next = at.commands.find((command) => command.name() === name);
    return next ?? at;
  }, program);
}

function optionsOf(command: Command): string[] {
  return command.options.flatMap(({ long }) => (long === null || long === undefined ? [] : [long]));
}

test('the example in docs/models.md loads', async () => {
  const module = /```ts\n([\s\S]*?)```/.exec(read('docs/models.md'))?.[1] ?? '';
  const dir = await mkdtemp(join(tmpdir(), 'rlm-config-'));
  const path = join(dir, 'rlm.config.mjs');
  await writeFile(path, module);
  const { default: config }: { default: unknown } = await import(path);
  await writeFile(join(dir, 'rlm.config.json'), JSON.stringify(config));
  const registry = loadRegistry({
    RLM_CONFIG: join(dir, 'rlm.config.json'),
    OPENAI_API_KEY: 'sk-1',
    GATEWAY_KEY: 'sk-2',
  });
  await rm(dir, { recursive: true });
  expect(await registry.card(null, 'root', { taskQueue: 'q' })).toMatchObject({
    name: 'gpt-5',
    fallbacks: [{ name: 'big', model: 'vendor/big-1' }],
  });
});

describe('docs/configuration.md', () => {
  const text = read('docs/configuration.md');

  test('lists exactly the variables that the code reads', () => {
    // The SDK reads those of AWS itself.
    const listed = allMatches(text, /^\| `((?!AWS_)[A-Z_0-9]+)`/gm).toSorted();
    const readByCode = new Set<string>();
    for (const file of sources()) {
      for (const name of allMatches(read(file), /\b((?:RLM|OPENAI|TEMPORAL)_[A-Z_0-9]+)\b/g)) {
        readByCode.add(name);
      }
    }
    // Names of constants in the code that look like variables.
    for (const name of ['OPENAI_BASE_URL', 'TEMPORAL_CLI_VERSION']) readByCode.delete(name);
    expect(listed.filter((name) => name !== 'OPENAI_BASE_URL')).toEqual([...readByCode].toSorted());
  });

  test('has an example of a models file that loads', async () => {
    const json = /```json\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
    const dir = await mkdtemp(join(tmpdir(), 'rlm-config-'));
    await writeFile(join(dir, 'models.json'), json);
    const registry = loadRegistry({
      RLM_CONFIG: join(dir, 'models.json'),
      OPENAI_API_KEY: 'sk-test',
    });
    await rm(dir, { recursive: true });
    expect(registry.names).toEqual(['gpt-5', 'local']);
    expect(await registry.card(null, 'root', { taskQueue: 'models' })).toMatchObject({
      name: 'gpt-5',
    });
  });
});

function sources(): string[] {
  return ROOMS.flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${room}/${file}`),
  );
}
