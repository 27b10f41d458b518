import { link, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';

export interface OpenFile {
  writeFile(bytes: Uint8Array): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The operations that a directory store is made of: one place, so that a test can cut the power between any two of them. */
export interface FileSystem {
  open(path: string, flags: 'wx' | 'r'): Promise<OpenFile>;
  readFile(path: string): Promise<Buffer>;
  stat(path: string): Promise<{ mtimeMs: number; size: number; isFile(): boolean }>;
  utimes(path: string, accessed: Date, modified: Date): Promise<void>;
  link(from: string, to: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** No error when it is not there. */
  remove(path: string): Promise<void>;
  /** With its parents; returns the first one that was made. */
  makeFolder(path: string): Promise<string | undefined>;
  readdir(path: string): Promise<string[]>;
}

export const nodeFiles: FileSystem = {
  open: (path, flags) => open(path, flags, 0o644),
  readFile: (path) => readFile(path),
  stat: (path) => stat(path),
  utimes: (path, accessed, modified) => utimes(path, accessed, modified),
  link: (from, to) => link(from, to),
  rename: (from, to) => rename(from, to),
  remove: (path) => rm(path, { force: true }),
  makeFolder: (path) => mkdir(path, { recursive: true }),
  readdir: (path) => readdir(path),
};
