/**
 * Lints the Python of the REPL: the prelude is part of every base image, and nothing else looks at it
 * before it runs. Exits 1 with one line a finding.
 *
 *   npm run lint:python
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PositionEncoding, Workspace } from '@astral-sh/ruff-wasm-nodejs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Not the cells of the demo: each goes on from the names of the one before. */
const FOLDERS = ['repl/python', 'test/cli', 'test/repl'];

const SETTINGS = {
  'line-length': 160,
  'target-version': 'py313',
  // What the host sets before it runs the bootstrap.
  builtins: ['_sources', '_host'],
  lint: {
    // Errors, undefined and unused names, likely bugs, needless code.
    select: ['E', 'F', 'W', 'B', 'PLE'],
    ignore: [
      // The session catches all that the model's code may raise, on purpose.
      'E722',
      // Lambdas as small functions; several statements in a line where they are one thought.
      'E731',
      'E701',
      'E702',
      // Long lines of docstrings read well in help(). As `multiprocessing` has its defaults.
      'E501',
      'B006',
      // Lengths are known where they are zipped; a loop may count only.
      'B905',
      'B007',
    ],
  },
};

interface Finding {
  code: string | null;
  message: string;
  start_location: { row: number; column: number };
}

const workspace = new Workspace(SETTINGS, PositionEncoding.Utf16);
let files = 0;
const findings: string[] = [];
for (const folder of FOLDERS) {
  for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.py')) continue;
    const path = join(ROOT, folder, name);
    files += 1;
    const found: Finding[] = workspace.check(readFileSync(path, 'utf8'));
    for (const { code, message, start_location: at } of found) {
      findings.push(`${relative(ROOT, path)}:${at.row}:${at.column} ${code ?? ''} ${message}`);
    }
  }
}
for (const finding of findings) console.log(finding);
console.log(`${files} files of Python, ${findings.length} findings`);
if (files === 0 || findings.length > 0) process.exitCode = 1;
