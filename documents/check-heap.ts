import { InvalidInput } from '../store/index.ts';
import type { StoredEntry } from './stored-document.ts';

const MIB = 2 ** 20;
/** What Python itself takes, and room for a cell to work in. */
const BASE_MIB = 96;
const MOST_MIB = 4096;
/** What is proposed is a multiple of this. */
const STEP_MIB = 128;
/** Inputs are worth a sentence from this share of the heap on. */
const NOTED_SHARE = 0.25;

/** Checks that inputs fit the heap before a kernel is opened for them. Throws InvalidInput, which says what to raise. */
export function checkHeap(
  entries: readonly StoredEntry[],
  heapMiB: number | undefined,
): { note: string | null } {
  const bytes = entries.reduce((sum, entry) => sum + entry.heapBytes, 0);
  const needMiB = Math.ceil(bytes / MIB);
  if (heapMiB === undefined) return { note: null };
  if (needMiB + BASE_MIB > heapMiB) {
    const raised = Math.ceil((needMiB + BASE_MIB) / STEP_MIB) * STEP_MIB;
    const what = `The inputs take ${grouped(needMiB)} MiB of the heap, which has ${grouped(heapMiB)} MiB, of which Python needs ${BASE_MIB}${largest(entries)}`;
    throw new InvalidInput(
      raised > MOST_MIB
        ? `${what}. A heap may have ${grouped(MOST_MIB)} MiB: split the inputs into several runs.`
        : `${what}. Raise limits.heapMiB (--heap-mib) to at least ${grouped(raised)}; it may have ${grouped(MOST_MIB)}.`,
    );
  }
  if (needMiB < heapMiB * NOTED_SHARE) return { note: null };
  return {
    note: `the inputs take ${grouped(needMiB)} MiB of the heap's ${grouped(heapMiB)} (limits.heapMiB; a heap may have 4 GiB, one object 2 GiB)`,
  };
}

function largest(entries: readonly StoredEntry[]): string {
  const sizes = new Map<string, number>();
  for (const { path, heapBytes } of entries) {
    const name = path.length === 0 ? 'input_data' : path.join('/');
    sizes.set(name, (sizes.get(name) ?? 0) + heapBytes);
  }
  const [name, bytes] = [...sizes].toSorted(([, a], [, b]) => b - a)[0] ?? ['', 0];
  return sizes.size < 2
    ? ''
    : `; the largest is ${name} with ${grouped(Math.ceil(bytes / MIB))} MiB`;
}

function grouped(count: number): string {
  return count.toLocaleString('en');
}
