import type { Figure } from '../figure.ts';
import { figure, median } from '../figure.ts';
import { BenchRun } from './bench-session.ts';
import { copyMs } from './floors.ts';
import type { Kernels } from './with-repl.ts';

const MB = 1_000_000;
const STEPS = 15;
const MARK = 'the one passage that is looked for';

/** A small step beside a 100 MB `str`, against the same on an empty heap. */
export async function besideLarge({ repl, store }: Kernels): Promise<Figure[]> {
  const empty = new BenchRun(repl, store, 'empty');
  const large = new BenchRun(repl, store, 'large');
  await large.run('', [await textEdit(store, 100 * MB)]);
  const times: Record<'empty' | 'large', number[]> = { empty: [], large: [] };
  for (let i = 0; i < STEPS; i += 1) {
    times.empty.push((await empty.run(`x = ${i}`)).ms);
    times.large.push((await large.run(`x = ${i}`)).ms);
  }
  return [
    figure({
      name: 'step on a heap that holds a 100 MB str',
      unit: 'ms',
      runs: times.large.slice(STEPS / 3),
      // The step on an empty heap stands for what cannot be avoided.
      floor: median(times.empty.slice(STEPS / 3)),
      target: { ratioAtMost: 3 },
    }),
  ];
}

/** A 1 GB `str`, from a blob to an image and a search. */
export async function gigabyte({ repl, store }: Kernels): Promise<Figure[]> {
  const edit = await textEdit(store, 1000 * MB);
  const run = new BenchRun(repl, store, 'gigabyte');
  const loaded = await run.run('', [edit]);
  const searched = await run.run(`input_data.count(${JSON.stringify(MARK)}), len(input_data)`);
  if (searched.cell.value?.text !== `(1, ${1000 * MB})`) {
    throw new Error(`the search found ${searched.cell.value?.text ?? 'nothing'}`);
  }
  const restored = await new BenchRun(repl, store, 'gigabyte again', run.image).run('1');
  return [
    figure({
      name: 'a 1 GB str loaded and imaged',
      unit: 'ms',
      runs: [loaded.ms],
      floor: copyMs(1000 * MB),
    }),
    figure({
      name: 'image of a 1 GB str',
      unit: 'KB',
      runs: [loaded.cell.image.storedBytes / 1000],
    }),
    figure({
      name: 'search of a 1 GB str, imaging included',
      unit: 'ms',
      runs: [searched.ms],
      floor: searched.cell.computeMs,
    }),
    figure({
      name: 'restoring an image with a 1 GB str',
      unit: 'ms',
      runs: [restored.ms],
      floor: copyMs(1000 * MB),
    }),
  ];
}

async function textEdit(
  store: Kernels['store'],
  bytes: number,
): Promise<{ kind: 'set'; variable: string; format: 'text'; blob: string }> {
  const line = 'A line of text as they come in contracts, neither short nor long: number 12345.\n';
  const text = Buffer.alloc(bytes, line);
  text.write(MARK, Math.floor(bytes * 0.9));
  const { digest: blob } = await store.blobs.put(text);
  return { kind: 'set', variable: 'input_data', format: 'text', blob };
}
