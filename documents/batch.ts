import { InvalidDocument } from './errors.ts';

/** What was left out of the documents that belong together, and that of each something was read. */
export class Batches {
  readonly #strict: boolean;
  readonly #groups = new Map<string, { tried: number; read: number; first: string | null }>();
  readonly notes: string[] = [];

  constructor(strict: boolean) {
    this.#strict = strict;
  }

  /** A document was read. */
  took(path: readonly string[]): void {
    this.#group(path).read += 1;
  }

  /** A document cannot be read: an error when it was asked for by itself or the run is strict, else a note. */
  failed(path: readonly string[], sentence: string, batch: boolean): void {
    if (!batch || this.#strict) throw new InvalidDocument(sentence);
    this.#group(path).first ??= sentence;
    this.notes.push(`${sentence}: left out`);
  }

  /** A folder or archive of which nothing was read would be missed by the model in silence. */
  check(): void {
    for (const { tried, read, first } of this.#groups.values()) {
      if (read > 0 || first === null) continue;
      throw new InvalidDocument(
        tried === 1 ? first : `none of ${tried} documents can be read, the first because ${first}`,
      );
    }
  }

  #group(path: readonly string[]): { tried: number; read: number; first: string | null } {
    const key = JSON.stringify(path.slice(0, -1));
    const group = this.#groups.get(key) ?? { tried: 0, read: 0, first: null };
    this.#groups.set(key, group);
    group.tried += 1;
    return group;
  }
}
