import { Unreadable } from '../errors.ts';

/** Most that an archive may unpack to, in bytes: all of it, and one file of it. */
const MAX_TOTAL_BYTES = 4 * 2 ** 30;
const MAX_FILE_BYTES = 2 ** 31 - 1;
/** A file that grows this many times, and to more than this, is a bomb: text rarely grows twenty times. */
const BOMB_RATIO = 200;
const BOMB_BYTES = 64 * 2 ** 20;
const MAX_FILES = 20_000;

/** Counts what an archive unpacks to while it does, whatever its own directory says. */
export class UnpackLimits {
  #total = 0;
  #files = 0;

  /** Before a file of it is unpacked. */
  begin(): void {
    this.#files += 1;
    if (this.#files > MAX_FILES) {
      throw new Unreadable(`holds more than ${MAX_FILES.toLocaleString('en')} files: unpack it`);
    }
  }

  /** After each piece of a file: its bytes so far, the bytes of the piece, and what it takes in the archive. */
  grow(member: string, size: number, piece: number, packed: number): void {
    this.#total += piece;
    if (size > BOMB_BYTES && size > packed * BOMB_RATIO) {
      throw new Unreadable(
        `looks like a zip bomb: ${member} grows from ${packed.toLocaleString('en')} bytes to more than ${mib(size)} MiB`,
      );
    }
    if (size > MAX_FILE_BYTES) {
      throw new Unreadable(`holds ${member}, which unpacks to more than 2 GiB: split it`);
    }
    if (this.#total > MAX_TOTAL_BYTES) {
      throw new Unreadable(`unpacks to more than ${mib(MAX_TOTAL_BYTES)} MiB: split it`);
    }
  }
}

/** One file of an archive, or why it is none. */
export type Member =
  | { name: string; bytes: Buffer<ArrayBuffer> }
  | { name: string; problem: string };

/** Why a name cannot be one of a file below the archive; null when it can. Nothing is written anywhere: such a name is a sign of a hostile archive. */
export function nameProblem(name: string): string | null {
  if (name.startsWith('/') || name.startsWith('\\') || /^[a-z]:/i.test(name)) {
    return 'has an absolute path in the archive';
  }
  if (name.split(/[/\\]/).includes('..')) return 'has a path that leads out of the archive';
  return null;
}

/** Files that programs put beside those that people put into archives. */
export function isClutter(name: string): boolean {
  const parts = name.split('/');
  return parts.includes('__MACOSX') || parts.some((part) => part.startsWith('.'));
}

function mib(bytes: number): string {
  return Math.floor(bytes / 2 ** 20).toLocaleString('en');
}
