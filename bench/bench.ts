import type { Figure } from './figure.ts';

/** A set of figures that are measured together. Each file `bench/<name>.ts` exports one as `bench`. */
export interface Bench {
  /** One line: what it measures and what it leaves out. */
  about: string;
  /** Options of the command line after the name, besides `--json`. */
  run(options: BenchOptions): Promise<Figure[]>;
}

export interface BenchOptions {
  args: readonly string[];
  /** For people, on standard error. */
  say: (line: string) => void;
}
