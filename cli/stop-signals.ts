import { say } from './output.ts';

/** What a worker that another command started gets after that has died: the server may be gone with it. */
const ORPHAN_MS = 10_000;

/**
 * The first SIGTERM or SIGINT lets the worker finish what it has in hand; a second one ends it at once. Nothing is lost
 * either way: what had ended is stored, and Temporal gives the rest to other workers.
 */
export function stopOnSignals(shutdown: () => Promise<void>): void {
  let asked = false;
  const drain = (): void => {
    asked = true;
    // A failure shows in `stopped`, which the command awaits.
    shutdown().catch(() => undefined);
  };
  const stop = (): void => {
    if (asked) process.exit(1);
    say('Finishing what is under way; once more to end at once.');
    drain();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // Started by another rlm command, it must not outlive it: the channel closes when that process dies.
  if (process.connected) {
    process.once('disconnect', () => {
      setTimeout(() => process.exit(1), ORPHAN_MS).unref();
      drain();
    });
    // The channel itself must not keep a worker alive that has been shut down.
    process.channel?.unref();
  }
}
