/** Runs the steps on its standard input (JSON) in this process, over a directory store, and prints the outcomes as JSON. */
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { RunCellInput } from '../../../protocol/index.ts';
import { openRepl } from '../../../repl/index.ts';
import { openStore } from '../../../store/index.ts';

const { folder, cacheDir, steps } = JSON.parse(readFileSync(0, 'utf8')) as {
  folder: string;
  cacheDir: string;
  steps: unknown[];
};
const repl = await openRepl({ store: await openStore(folder), cacheDir });
const outcomes = [];
for (const step of steps) outcomes.push(await repl.runStep(RunCellInput.parse(step)));
process.stdout.write(JSON.stringify(outcomes));
await repl.dispose();
