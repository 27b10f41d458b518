import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';

/** One setting for both halves of the SDK; once a process, before its first connection. Warnings go to stderr: a run that fails is an outcome, and the command that waits for it says so. */
export function installTelemetry(level: 'WARN' | 'INFO' | 'ERROR'): void {
  Runtime.install({
    logger: new DefaultLogger(level, ({ level: entryLevel, message, meta }) => {
      const extra = meta?.['error'] instanceof Error ? `: ${meta['error'].message}` : '';
      process.stderr.write(`${entryLevel.toLowerCase()} · ${message}${extra}\n`);
    }),
    telemetryOptions: {
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: level }) },
    },
    // The command that runs the worker decides what a signal means.
    shutdownSignals: [],
  });
}

/** For a process that goes on without a worker: the native core would keep it alive. */
export async function endTelemetry(): Promise<void> {
  await Runtime.instance().shutdown();
}
