import { homeFrom } from '../cli/index.ts';
import { prepareBaseImage } from '../repl/index.ts';
import type { Bench } from './bench.ts';
import type { Figure } from './figure.ts';
import { freshKernels } from './kernel/fresh-kernels.ts';
import { besideLarge, gigabyte } from './kernel/large-values.ts';
import { memory, parked, wideRound } from './kernel/many-kernels.ts';
import { smallCells, storeGrowth } from './kernel/small-cells.ts';
import { type Kernels, withRepl } from './kernel/with-repl.ts';

/** Memory for kernels that wait, in MiB: here all may stay. */
const ROOMY_MIB = 256 * 1024;

function own(measure: (kernels: Kernels) => Promise<Figure[]>) {
  return (cacheDir: string): Promise<Figure[]> =>
    withRepl({ cacheDir, parkedMiB: ROOMY_MIB }, measure);
}

/** Each set of figures has a kernel host of its own. */
const SETS: Record<string, (cacheDir: string) => Promise<Figure[]>> = {
  fresh: own(freshKernels),
  small: own(smallCells),
  growth: storeGrowth,
  memory: own(memory),
  parked: own(parked),
  large: own(besideLarge),
  gigabyte: own(gigabyte),
  round: own(wideRound),
};

/** `npm run -s bench -- kernel [SET...]`: all sets, or some of them. */
export const bench: Bench = {
  about: `Steps of the REPL through its door: store in memory (a directory for "growth"), no Temporal, no model. Sets: ${Object.keys(SETS).join(', ')}.`,
  async run({ args, say }) {
    const { cacheDir } = homeFrom(process.env);
    await prepareBaseImage({ cacheDir, onProgress: say });
    const figures: Figure[] = [];
    for (const name of args.length === 0 ? Object.keys(SETS) : args) {
      const measure = SETS[name];
      if (measure === undefined) {
        throw new Error(`There is no set "${name}": name some of ${Object.keys(SETS).join(', ')}.`);
      }
      say(`measuring ${name}`);
      figures.push(...(await measure(cacheDir).catch((error: unknown) => [failed(name, error)])));
    }
    return figures;
  },
};

/** A set that cannot be measured must not cost the figures of the others. */
function failed(name: string, error: unknown): Figure {
  const why = error instanceof Error ? error.message : String(error);
  const target = 'it can be measured';
  return {
    name: `${name}: ${why}`,
    value: 0,
    unit: 'samples',
    floor: null,
    ratio: null,
    target,
    ok: false,
    runs: [],
  };
}
