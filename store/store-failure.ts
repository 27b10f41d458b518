import { StoreUnavailable } from './errors.ts';
import { codeOf } from './durable-file.ts';

/** One sentence a system error, each saying what to do. */
const SENTENCES: Record<string, (store: string) => string> = {
  ENOSPC: (store) => `${store} is full: free some space or choose another store`,
  EDQUOT: (store) =>
    `the disk quota of ${store} is used up: free some space or choose another store`,
  EFBIG: (store) =>
    `a file in ${store} would be larger than this process may write: raise the limit (ulimit -f)`,
  EROFS: (store) => `${store} is on a read-only file system: choose a writable store`,
  EACCES: (store) => `no permission to use ${store}: give this user access or choose another store`,
  EPERM: (store) =>
    `${store} refused the operation: this user must own it, and its file system must support hard links`,
  ENOTDIR: (store) => `${store} cannot be made: part of its path is a file`,
  EEXIST: (store) => `${store} cannot be made: there is a file of that name`,
  ENOENT: (store) => `${store} has gone: it was moved or deleted while in use`,
  EMFILE: (store) => `too many open files while using ${store}: raise the limit (ulimit -n)`,
  ENFILE: (store) => `too many open files on this machine while using ${store}`,
  EIO: (store) => `the disk of ${store} reports an input/output error`,
};

/** A system error as StoreUnavailable; anything else unchanged. */
export function toStoreFailure(error: unknown, store: string): unknown {
  const code = codeOf(error);
  // Errors of zlib and of Node's own argument checks have codes too, but name no system call.
  if (typeof error !== 'object' || error === null || !('syscall' in error)) return error;
  const sentence = SENTENCES[code]?.(store) ?? `${store} cannot be used (${code})`;
  return new StoreUnavailable(store, code, sentence, { cause: error });
}
