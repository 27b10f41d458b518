import { expect, test } from '@jest/globals';
import { StoreUnavailable } from '../../store/index.ts';
import { toStoreFailure } from '../../store/store-failure.ts';

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: …`), { code, errno: -1, syscall: 'write' });
}

test.each([
  ['ENOSPC', 'directory /d is full: free some space or choose another store'],
  ['EDQUOT', 'the disk quota of directory /d is used up: free some space or choose another store'],
  ['EROFS', 'directory /d is on a read-only file system: choose a writable store'],
  ['EACCES', 'no permission to use directory /d: give this user access or choose another store'],
  ['EIO', 'the disk of directory /d reports an input/output error'],
  ['EMFILE', 'too many open files while using directory /d: raise the limit (ulimit -n)'],
  ['EWEIRD', 'directory /d cannot be used (EWEIRD)'],
])('%s becomes one sentence', (code, message) => {
  const cause = systemError(code);
  const failure = toStoreFailure(cause, 'directory /d');
  expect(failure).toBeInstanceOf(StoreUnavailable);
  expect(failure).toMatchObject({ message, code, store: 'directory /d', cause });
});

test.each([
  ['a programming error', new TypeError('x is undefined')],
  ['an error of zlib', Object.assign(new Error('bad'), { code: 'Z_DATA_ERROR', errno: -3 })],
  ['what is no error', 'a string'],
])('%s stays what it is', (_, error) => {
  expect(toStoreFailure(error, 'directory /d')).toBe(error);
});
