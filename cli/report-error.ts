import { CommanderError } from 'commander';
import { CliError, EXIT } from './cli-error.ts';

/** Errors of other rooms whose message is already one sentence that says what to do. */
const CLEAR = new Set([
  'CliError',
  'ConfigInvalid',
  'ModelError',
  'InvalidRequest',
  'InvalidInput',
  'InvalidDocument',
  'RunFailed',
  'RunCancelled',
  'ServerUnavailable',
  'StoreUnavailable',
  'StoreLocationInvalid',
  'BlobMissing',
  'BlobCorrupted',
  'RecordCorrupted',
  'RootCorrupted',
  'BlobUnexpected',
  'ImageIncompatible',
  'EmbeddedServerFailed',
  'TemporalCliMissing',
]);

/**
 * What a person reads when a command fails: one sentence, and with `debug` the stack and its causes.
 * An error that nobody foresaw says so, since its message may not say what to do.
 */
export function describeError(error: unknown, debug: boolean): string {
  const text = sentence(error);
  return debug ? `${text}\n${stackOf(error)}` : text;
}

/** Exit code for an error; never 0 except for `--help` and `--version`. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.usage;
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof Error && error.name === 'RunCancelled') return EXIT.cancelled;
  return EXIT.failed;
}

function sentence(error: unknown): string {
  if (!(error instanceof Error)) return `rlm: ${String(error)}`;
  const message = oneLine(error.message);
  if (CLEAR.has(error.name)) return `rlm: ${asSentence(message)}`;
  return `rlm: something failed that should not: ${message} (run again with --debug to see where).`;
}

/** Other rooms may begin their messages in lower case, to be part of longer ones. */
function asSentence(message: string): string {
  // Not a URL or a name that stands first.
  const start = message.replace(/^[a-z]+ /, (word) => word.charAt(0).toUpperCase() + word.slice(1));
  return /[.!?)]$/.test(start) ? start : `${start}.`;
}

function oneLine(message: string): string {
  return message.replace(/\s*\n\s*/g, ' ').trim();
}

function stackOf(error: unknown): string {
  const parts: string[] = [];
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    parts.push(`${depth === 0 ? '' : 'caused by '}${at.stack ?? at.message}`);
  }
  return parts.join('\n');
}
