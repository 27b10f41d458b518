import { z } from 'zod';
import { Digest } from '../../protocol/index.ts';
import { PAGE_BYTES } from './heap-digest.ts';

/**
 * Pages that hold a stretch of a large text, as CPython keeps its characters. An image names the text's blob instead of
 * storing the pages again.
 */
export const Extent = z.object({
  page: z.int().nonnegative(),
  pages: z.int().positive(),
  blob: Digest,
  /** Where the stretch begins in the character buffer, in bytes. */
  offset: z.int().nonnegative(),
});
export type Extent = z.infer<typeof Extent>;

interface Range extends Extent {
  /** Step at which the text was placed. */
  born: number;
}

/** The extents of a heap, in order of pages; none overlap. */
export class ExtentSet {
  #ranges: Range[] = [];

  /** What lay there is forgotten. */
  add(extent: Extent, born: number): void {
    this.cut(extent.page, extent.pages);
    const at = this.#after(extent.page);
    this.#ranges.splice(at, 0, { ...extent, born });
  }

  has(page: number): boolean {
    const range = this.#ranges[this.#after(page) - 1];
    return range !== undefined && page < range.page + range.pages;
  }

  /** Those pages hold something else now. */
  cut(page: number, pages: number): void {
    const end = page + pages;
    let first = this.#after(page);
    const before = this.#ranges[first - 1];
    if (before !== undefined && before.page + before.pages > page) first -= 1;
    let last = first;
    const kept: Range[] = [];
    for (let range = this.#ranges[last]; range !== undefined && range.page < end; last++) {
      const rangeEnd = range.page + range.pages;
      if (range.page < page) kept.push({ ...range, pages: page - range.page });
      if (rangeEnd > end) kept.push(shifted(range, end));
      range = this.#ranges[last + 1];
    }
    if (last > first) this.#ranges.splice(first, last - first, ...kept);
  }

  /** Placed after a step, as far as they still stand. */
  bornAfter(step: number): Extent[] {
    return this.#ranges
      .filter(({ born }) => born > step)
      .map(({ page, pages, blob, offset }) => ({ page, pages, blob, offset }));
  }

  /** Index of the first range that begins after a page. */
  #after(page: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ranges[middle]?.page ?? Infinity) <= page) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function shifted(range: Range, page: number): Range {
  const skipped = page - range.page;
  return {
    ...range,
    page,
    pages: range.pages - skipped,
    offset: range.offset + skipped * PAGE_BYTES,
  };
}
