import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Store } from '../store/index.ts';
import { say } from './output.ts';
import { blockState } from './repl-block.ts';
import { reportOf, shown } from './repl-cells.ts';
import type { ReplSession } from './repl-session.ts';

const PROMPT = '>>> ';
const MORE = '... ';
/** Lines that a later session can recall. */
const HISTORY_LINES = 1000;
const LEAVE = new Set(['exit', 'exit()', 'quit', 'quit()']);

/**
 * A prompt for a person, until `exit` or the end of input. Ctrl-C drops what is typed, and ends a cell that runs: its
 * kernel is destroyed, the variables are those before it. Lines are remembered in `home`.
 */
export async function runPrompt(session: ReplSession, store: Store, home: string): Promise<void> {
  const history = join(home, 'repl_history');
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    history: await readHistory(history),
    historySize: HISTORY_LINES,
    removeHistoryDuplicates: true,
    terminal: process.stdin.isTTY && process.stdout.isTTY,
  });
  try {
    await new Prompt(session, store, lines, history).serve();
  } finally {
    lines.close();
  }
}

class Prompt {
  readonly #session: ReplSession;
  readonly #store: Store;
  readonly #lines: Interface;
  readonly #history: string;
  #block: string[] = [];
  /** From the moment a line is entered until what it asked for has ended. */
  #turn: AbortController | null = null;

  constructor(session: ReplSession, store: Store, lines: Interface, history: string) {
    this.#session = session;
    this.#store = store;
    this.#lines = lines;
    this.#history = history;
  }

  async serve(): Promise<void> {
    const interrupt = (): void => this.#interrupt();
    this.#lines.on('SIGINT', interrupt);
    this.#lines.on('line', () => (this.#turn ??= new AbortController()));
    // Without a terminal, or sent by another program.
    process.on('SIGINT', interrupt);
    try {
      this.#ask();
      for await (const line of this.#lines) {
        if (this.#block.length === 0 && LEAVE.has(line.trim())) return;
        await this.#take(line);
        this.#ask();
      }
      // The end of input ends the last block, too.
      await this.#runBlock((this.#turn = new AbortController()).signal);
    } finally {
      process.off('SIGINT', interrupt);
    }
  }

  #ask(): void {
    if (!this.#lines.terminal) return;
    this.#lines.setPrompt(this.#block.length === 0 ? PROMPT : MORE);
    this.#lines.prompt();
  }

  async #take(line: string): Promise<void> {
    const { signal } = (this.#turn ??= new AbortController());
    try {
      if (this.#lines.terminal) await this.#remember(line);
      this.#block.push(line);
      if (blockState(this.#block) === 'complete') await this.#runBlock(signal);
    } finally {
      this.#turn = null;
    }
  }

  async #runBlock(signal: AbortSignal): Promise<void> {
    const code = this.#block.join('\n');
    this.#block = [];
    if (code.trim() === '') return;
    try {
      signal.throwIfAborted();
      const report = await reportOf(this.#store, await this.#session.run(code, signal));
      process.stdout.write(shown(report));
    } catch (error) {
      if (!signal.aborted) throw error;
      say('Interrupted: the kernel was destroyed, and all variables are as before this cell.');
    }
  }

  #interrupt(): void {
    if (this.#turn !== null) return this.#turn.abort();
    this.#block = [];
    say('\nKeyboardInterrupt (exit or Ctrl-D leaves)');
    // What stands on the line is dropped with it.
    this.#lines.write(null, { ctrl: true, name: 'e' });
    this.#lines.write(null, { ctrl: true, name: 'u' });
    this.#ask();
  }

  async #remember(line: string): Promise<void> {
    if (line.trim() === '') return;
    await appendFile(this.#history, `${line}\n`, { mode: 0o600 });
  }
}

/** Newest first, as readline wants them; none when there is no file yet. */
async function readHistory(file: string): Promise<string[]> {
  await mkdir(join(file, '..'), { recursive: true });
  try {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
    return lines.slice(-HISTORY_LINES).toReversed();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
