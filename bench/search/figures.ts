import { type Figure, figure, median } from '../figure.ts';
import { BenchRun, settle } from '../kernel/bench-session.ts';
import type { Kernels } from '../kernel/with-repl.ts';
import { benchText, MARK } from './text.ts';

const SAMPLES = 3;

/** A loaded text, and cells timed on it. */
class Loaded {
  readonly #run: BenchRun;
  readonly #bytes: number;

  private constructor(run: BenchRun, bytes: number) {
    this.#run = run;
    this.#bytes = bytes;
  }

  static async of({ repl, store }: Kernels, text: Buffer, name: string): Promise<Loaded> {
    const { digest: blob } = await store.blobs.put(text);
    const run = new BenchRun(repl, store, name);
    await run.run('import re', [{ kind: 'set', variable: 'input_data', format: 'text', blob }]);
    await settle(repl);
    return new Loaded(run, text.length);
  }

  /** GB/s of expressions over the text, once for each sample, in turns; each must give what it says. */
  async rates(
    ...asked: ReadonlyArray<readonly [expression: string, expected: string]>
  ): Promise<number[][]> {
    const rates: number[][] = asked.map(() => []);
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      for (const [index, [expression, expected]] of asked.entries()) {
        const { cell } = await this.#run.run(expression);
        if (cell.value?.text !== expected) {
          throw new Error(`${expression} gave ${cell.value?.text ?? 'nothing'}, not ${expected}`);
        }
        rates[index]?.push(this.#bytes / 1e6 / Math.max(cell.computeMs, 1e-3));
      }
    }
    return rates;
  }
}

/** A text that is found once, and one that is not found. */
const WORDS = [MARK, 'nowhere to be found'] as const;

export async function literals(kernels: Kernels, megabytes: number): Promise<Figure[]> {
  const text = await Loaded.of(kernels, benchText(megabytes), 'literals');
  const folded = [MARK.toUpperCase(), 'Nowhere To Be Found'] as const;
  return [
    await searched(text, 'case-sensitive literal', WORDS, ', ignore_case=False', 1),
    await searched(text, 'literal whatever the case', folded, '', 0.3),
    await searched(text, 'the same, two letters', ['zE', 'QZ'], '', 0.3),
  ];
}

/** Searches for a text that is there once and for one that is not, in turns with what `str.count` does in one pass. */
async function searched(
  text: Loaded,
  name: string,
  [found, missing]: readonly [string, string],
  options: string,
  atLeast: number,
): Promise<Figure> {
  const search = (word: string): string =>
    `len(search_text(input_data, ${JSON.stringify(word)}${options}))`;
  const [one = [], none = [], ...floors] = await text.rates(
    [search(found), '1'],
    [search(missing), '0'],
    [counted(WORDS[0]), '1'],
    [counted(WORDS[1]), '0'],
  );
  return figure({
    name,
    unit: 'GB/s',
    runs: [...one, ...none],
    floor: median(floors.flat()),
    target: { atLeast },
  });
}

function counted(word: string): string {
  return `input_data.count(${JSON.stringify(word)})`;
}

/** Regular expressions, and how often they match: with a literal that is rare, with one that is frequent, and without. */
const PATTERNS: ReadonlyArray<readonly [name: string, pattern: string, found: number]> = [
  ['with a rare literal', String.raw`\bquagga \d+`, 1],
  ['with a frequent literal', String.raw`the [zq]ebra`, 0],
  ['without a literal', String.raw`[xz]eb[rs]a`, 1],
];

/** Regular expressions against `re.finditer`. They are slow: on a tenth of the text. */
export async function patterns(kernels: Kernels, megabytes: number): Promise<Figure[]> {
  const text = await Loaded.of(kernels, benchText(megabytes / 10), 'patterns');
  const figures: Figure[] = [];
  for (const [name, pattern, found] of PATTERNS) {
    for (const folded of [true, false]) {
      const flags = `re.MULTILINE${folded ? ' | re.IGNORECASE' : ''}`;
      const expected = folded ? found : 0;
      const own = `len(list(re.finditer(r"${pattern}", input_data, ${flags})))`;
      const options = `regex=True, ignore_case=${folded ? 'True' : 'False'}`;
      const search = `len(search_text(input_data, r"${pattern}", ${options}))`;
      const [runs = [], floors = []] = await text.rates(
        [search, String(expected)],
        [own, String(expected)],
      );
      figures.push(
        figure({
          name: `regex ${name}${folded ? ', whatever the case' : ''}`,
          unit: 'GB/s',
          runs,
          floor: median(floors),
          target: { ratioAtLeast: 0.5 },
        }),
      );
    }
  }
  return figures;
}

/** Texts of wider characters: 1 byte beyond ASCII, 2 and 4 bytes. Their rates are bytes of UTF-8. */
export async function wide(kernels: Kernels, megabytes: number): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, every] of [
    ['1 byte', 'déjà vu'],
    ['2 bytes', '“naïve” – Σ'],
    ['4 bytes', '😀'],
  ] as const) {
    const text = await Loaded.of(kernels, benchText(megabytes / 8, every), `wide ${name}`);
    const words = [MARK.toUpperCase(), 'NAÏF'] as const;
    figures.push(
      await searched(text, `literal whatever the case, ${name} a character`, words, '', 0.3),
    );
  }
  return figures;
}

/** The first question builds what the index holds of its words; later ones find it. On a tenth of the text. */
export async function ranked(kernels: Kernels, megabytes: number): Promise<Figure[]> {
  const text = await Loaded.of(kernels, benchText(megabytes / 10), 'ranked');
  const ask = 'len(rank(input_data, "indemnified zebras of a quagga", k=1))';
  const [[first = 0, ...later] = []] = await text.rates([ask, '1']);
  return [
    figure({ name: 'rank, first question', unit: 'GB/s', runs: [first] }),
    figure({ name: 'rank, the same words again', unit: 'GB/s', runs: later, floor: first }),
  ];
}
