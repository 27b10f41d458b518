import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, sep } from 'node:path';
import { describe, expect, test } from '@jest/globals';

// Scope: the house of ARCHITECTURE.md. Which room may import which, and only through its door.

const ROOT = join(import.meta.dirname, '..');

const MAY_IMPORT: Record<string, string[]> = {
  protocol: [],
  store: ['protocol'],
  repl: ['store', 'protocol'],
  models: ['store', 'protocol'],
  documents: ['store', 'protocol'],
  activities: ['repl', 'models', 'store', 'documents', 'protocol'],
  workflows: ['protocol'],
  worker: ['activities', 'repl', 'models', 'store', 'protocol'],
  client: ['store', 'protocol'],
  audit: ['client', 'repl', 'store', 'protocol'],
  cli: [
    'audit',
    'client',
    'worker',
    'workflows',
    'activities',
    'documents',
    'models',
    'repl',
    'store',
    'protocol',
  ],
};

/** Workflows know the activities by their types; these are erased. */
const TYPES_ONLY: Record<string, string[]> = { workflows: ['activities'], client: ['workflows'] };

interface Import {
  from: string;
  to: string;
  typesOnly: boolean;
}

function sourcesOf(room: string): string[] {
  return readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(room, name));
}

function importsOf(file: string): Import[] {
  const code = readFileSync(join(ROOT, file), 'utf8').replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, '');
  const pattern = /(?:import|export)\s+(type\s)?[^'";]*?from\s+'(\.[^']+)'|import\(\s*'(\.[^']+)'/g;
  return [...code.matchAll(pattern)].map((match) => ({
    from: file,
    to: normalize(join(dirname(file), match[2] ?? match[3] ?? '')),
    typesOnly: match[1] !== undefined,
  }));
}

function roomOf(path: string): string {
  return path.split(sep)[0] ?? '';
}

function isAllowed(room: string, { to, typesOnly }: Import): boolean {
  const target = roomOf(to);
  if (MAY_IMPORT[room]?.includes(target) === true) return true;
  return typesOnly && TYPES_ONLY[room]?.includes(target) === true;
}

describe.each(Object.keys(MAY_IMPORT))('%s/', (room) => {
  const foreign = sourcesOf(room)
    .flatMap((file) => importsOf(file))
    .filter(({ to }) => roomOf(to) !== room);

  test('imports only rooms below it', () => {
    expect(foreign.filter((entry) => !isAllowed(room, entry))).toEqual([]);
  });

  test('comes in by the door: index.ts', () => {
    const doors = foreign.map(({ to }) => join(roomOf(to), 'index.ts'));
    expect(foreign.map(({ from, to }) => `${from} -> ${to}`)).toEqual(
      foreign.map(({ from }, index) => `${from} -> ${doors[index]}`),
    );
  });

  test('has files of one responsibility, under 300 lines, in kebab-case', () => {
    const tooLong = sourcesOf(room).filter(
      (file) => readFileSync(join(ROOT, file), 'utf8').split('\n').length > 301,
    );
    expect(tooLong).toEqual([]);
    const named = sourcesOf(room).filter(
      (file) => !/^[a-z0-9-]+(\.d)?\.ts$/.test(file.split(sep).at(-1) ?? ''),
    );
    expect(named).toEqual([]);
  });
});

test('the client reaches neither kernels nor the SDK of AWS without being asked to', () => {
  const seen = new Set<string>();
  const foreign = new Set<string>();
  const follow = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const code = readFileSync(join(ROOT, file), 'utf8').replaceAll(/^\s*(\/\/|\*|\/\*).*$/gm, '');
    for (const match of code.matchAll(/(?:import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'/g)) {
      const [, type, to = ''] = match;
      if (type !== undefined) continue;
      if (to.startsWith('.')) follow(normalize(join(dirname(file), to)));
      else foreign.add(to);
    }
  };
  follow(join('client', 'index.ts'));
  expect(seen.size).toBeGreaterThan(50);
  expect(
    [...foreign].filter((name) => /^(@aws-sdk|isolated-vm|pyodide|openai)/.test(name)),
  ).toEqual([]);
  expect(foreign).toContain('@temporalio/client');
});

test('the check sees imports at all', () => {
  const found = importsOf(join('worker', 'start-worker.ts')).map(({ to }) => to);
  expect(found).toContain(join('store', 'index.ts'));
});
