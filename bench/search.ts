import { homeFrom } from '../cli/index.ts';
import { prepareBaseImage } from '../repl/index.ts';
import type { Bench } from './bench.ts';
import type { Figure } from './figure.ts';
import { type Kernels, withRepl } from './kernel/with-repl.ts';
import { literals, patterns, ranked, wide } from './search/figures.ts';

const SETS: Record<string, (kernels: Kernels, megabytes: number) => Promise<Figure[]>> = {
  literals,
  patterns,
  wide,
  ranked,
};
const DEFAULT_MB = 1000;

/** `npm run -s bench -- search [SET...] [--mb N]`: all sets, or some of them, on a text of so many megabytes. */
export const bench: Bench = {
  about: `search_text and rank inside of a kernel: bytes of the text over compute time of the cell, without its image; floors are str.count and re.finditer of the same Python on the same text, in the same run. Sets: ${Object.keys(SETS).join(', ')}.`,
  async run({ args, say }) {
    const { cacheDir } = homeFrom(process.env);
    await prepareBaseImage({ cacheDir, onProgress: say });
    const at = args.indexOf('--mb');
    const megabytes = at < 0 ? DEFAULT_MB : Number(args[at + 1]);
    if (!(megabytes > 0)) throw new Error('--mb takes a number of megabytes.');
    const named = at < 0 ? args : args.toSpliced(at, 2);
    const figures: Figure[] = [];
    for (const name of named.length === 0 ? Object.keys(SETS) : named) {
      const measure = SETS[name];
      if (measure === undefined) {
        throw new Error(`There is no set "${name}": name some of ${Object.keys(SETS).join(', ')}.`);
      }
      say(`measuring ${name}`);
      figures.push(...(await withRepl({ cacheDir }, (kernels) => measure(kernels, megabytes))));
    }
    return figures;
  },
};
