/** What the user must change, in one sentence. Shown without a stack trace; exit code `exitCode`. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;
  constructor(message: string, options: ErrorOptions & { exitCode?: number } = {}) {
    super(message, options);
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/** Exit codes of the `rlm` command. */
export const EXIT = {
  answered: 0,
  failed: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** The run ended at a limit: what is printed is its best draft. */
  bestDraft: 3,
  cancelled: 130,
} as const;
