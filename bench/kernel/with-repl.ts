import { openRepl, type Repl } from '../../repl/index.ts';
import { memoryStore, type Store } from '../../store/index.ts';

export const WARM_KERNELS = 2;

export interface Kernels {
  repl: Repl;
  store: Store;
}

/** A REPL with a kernel host of its own, for one set of figures. */
export async function withRepl<T>(
  options: { cacheDir: string; parkedMiB?: number; store?: Store },
  measure: (kernels: Kernels) => Promise<T>,
): Promise<T> {
  const { cacheDir, parkedMiB = 8192, store = memoryStore() } = options;
  const repl = await openRepl({ store, cacheDir, parkedMiB, warmKernels: WARM_KERNELS });
  try {
    return await measure({ repl, store });
  } finally {
    await repl.dispose();
  }
}
