import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDirectoryStore } from '../../store/index.ts';
import type { Figure } from '../figure.ts';
import { figure, median } from '../figure.ts';
import { BenchRun, settle } from './bench-session.ts';
import { copyPagesMs } from './floors.ts';
import { type Kernels, withRepl } from './with-repl.ts';

const CELLS = 1000;
/** Cells that a new kernel needs until V8 has compiled what they use. */
const WARM_UP = 20;
/** Pages that `x = 1` touches: see ARCHITECTURE.md. */
const SMALL_CELL_PAGES = 75;

/** `x = 1` again and again in one run: its time, and what its images cost. */
export async function smallCells({ repl, store }: Kernels): Promise<Figure[]> {
  await settle(repl);
  const run = new BenchRun(repl, store, 'small');
  for (let i = 0; i < WARM_UP; i += 1) await run.run(`x = ${i}`);
  const samples = [];
  for (let i = 0; i < 100; i += 1) samples.push(await run.run(`x = ${i}`));
  const python = median(samples.map(({ cell }) => cell.computeMs));
  return [
    figure({
      name: 'step of a small cell, imaging included',
      unit: 'ms',
      runs: samples.map(({ ms }) => ms),
      floor: python + copyPagesMs(SMALL_CELL_PAGES),
      target: { atMost: 25 },
    }),
    figure({
      name: 'image of a small cell',
      unit: 'KB',
      runs: samples.map(({ cell }) => cell.image.storedBytes / 1000),
      target: { atMost: 10 },
    }),
  ];
}

/** What 1,000 small cells leave in a directory store: images, texts and all. */
export async function storeGrowth(cacheDir: string): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rlm-bench-'));
  try {
    const store = await openDirectoryStore(folder);
    return await withRepl({ cacheDir, store }, async ({ repl }) => {
      const run = new BenchRun(repl, store, 'thousand');
      await run.run('x = 0');
      const before = await bytesBelow(folder);
      const times = [];
      for (let i = 0; i < CELLS; i += 1) times.push((await run.run(`x = ${i}`)).ms);
      const grown = (await bytesBelow(folder)) - before;
      return [
        figure({
          name: `growth of the store a cell, over ${CELLS} cells`,
          unit: 'KB',
          runs: [grown / CELLS / 1000],
          target: { atMost: 16 },
        }),
        figure({ name: 'step of a small cell with a directory store', unit: 'ms', runs: times }),
      ];
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function bytesBelow(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
  );
  return sizes.reduce((total, size) => total + size, 0);
}
