import { homeFrom } from '../cli/index.ts';
import { prepareBaseImage } from '../repl/index.ts';
import type { Bench } from './bench.ts';
import type { Figure } from './figure.ts';
import { type BenchWorld, openBenchWorld } from './run/bench-world.ts';
import { long, many, rounds, steps, thousand } from './run/figures.ts';

const SETS: Record<string, (world: BenchWorld) => Promise<Figure[]>> = {
  steps,
  rounds,
  thousand,
  many,
  long,
  file: rounds,
};
/** `long` and `file` (the rounds, with the server on a file) are asked for by name. */
const DEFAULT_SETS = ['steps', 'rounds', 'thousand', 'many'];

/** `npm run -s bench -- run [SET...]`: all sets but the long one, or some of them. */
export const bench: Bench = {
  about: `Runs against a scripted model, with a server in memory (on a file in the set "file"), the worker and the model in this process; floors are workflows of empty or sleeping activities on the same server. Sets: ${Object.keys(SETS).join(', ')}.`,
  async run({ args, say }) {
    await prepareBaseImage({ cacheDir: homeFrom(process.env).cacheDir, onProgress: say });
    const figures: Figure[] = [];
    for (const name of args.length === 0 ? DEFAULT_SETS : args) {
      const measure = SETS[name];
      if (measure === undefined) {
        throw new Error(`There is no set "${name}": name some of ${Object.keys(SETS).join(', ')}.`);
      }
      say(`measuring ${name}`);
      const world = await openBenchWorld(name === 'file' ? 'file' : 'memory');
      try {
        figures.push(...(await measure(world)));
      } finally {
        await world.close();
      }
    }
    return figures;
  },
};
