/** Bytes of a page of a heap. */
const PAGE_BYTES = 4096;
const ROUNDS = 5;

/** What this machine needs to copy so many bytes, in ms: the part of imaging and restoring that cannot be avoided. */
export function copyMs(bytes: number): number {
  const from = Buffer.alloc(bytes, 1);
  const to = Buffer.alloc(bytes, 2);
  return fastest(() => from.copy(to));
}

/** The same for pages that lie scattered, in ms. */
export function copyPagesMs(pages: number): number {
  const heap = Buffer.alloc(64 * 2 ** 20, 1);
  const to = Buffer.alloc(pages * PAGE_BYTES);
  const stride = Math.max(1, Math.floor(heap.length / PAGE_BYTES / Math.max(1, pages)));
  return fastest(() => {
    for (let page = 0; page < pages; page += 1) {
      const at = page * stride * PAGE_BYTES;
      heap.copy(to, page * PAGE_BYTES, at, at + PAGE_BYTES);
    }
  });
}

function fastest(work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const begun = performance.now();
    work();
    best = Math.min(best, performance.now() - begun);
  }
  return best;
}
