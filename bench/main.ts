// oxlint-disable-next-line import/no-unassigned-import -- it must come first
import '../cli/thread-pool.ts';
import { existsSync, readdirSync } from 'node:fs';
import { z } from 'zod';
import type { Bench } from './bench.ts';
import { machine, versions } from './machine.ts';
import { table } from './table.ts';

/** Files of this folder that are the frame, not benches. */
const FRAME = new Set(['bench.ts', 'figure.ts', 'machine.ts', 'main.ts', 'table.ts']);

const BenchModule = z.object({
  bench: z.custom<Bench>((value) => typeof value === 'object' && value !== null && 'run' in value),
});

/** `npm run -s bench -- NAME [--json]`: measures, prints one JSON object or a table. Exit code 1 when a target is missed. */
async function main(args: readonly string[]): Promise<void> {
  const json = args.includes('--json');
  const [name, ...rest] = args.filter((arg) => arg !== '--json');
  const file = new URL(`./${name ?? ''}.ts`, import.meta.url);
  if (
    name === undefined ||
    !/^[\w-]+$/.test(name) ||
    FRAME.has(`${name}.ts`) ||
    !existsSync(file)
  ) {
    throw new Error(`Name one of these benches: ${names().join(', ')}.`);
  }
  const { bench } = BenchModule.parse(await import(file.href));
  say(bench.about);
  const figures = await bench.run({ args: rest, say });
  const report = { bench: name, machine: machine(), versions: versions(), figures };
  process.stdout.write(`${json ? JSON.stringify(report) : table(figures)}\n`);
  if (figures.some(({ ok }) => ok === false)) process.exitCode = 1;
}

function names(): string[] {
  return readdirSync(new URL('.', import.meta.url))
    .filter((file) => file.endsWith('.ts') && !FRAME.has(file))
    .map((file) => file.slice(0, -'.ts'.length));
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  say(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
