import { ApplicationFailure } from '@temporalio/common';
import { FailureType, OpenReplInput, type OpenReplResult } from '../protocol/index.ts';
import type { Repl } from '../repl/index.ts';
import { textRefOf } from '../store/index.ts';
import type { ReplActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';

/** The base image plus the run's inputs is image 0: a step without code. Pure, so it may run twice. */
export function createOpenRepl({ repl }: { repl: Repl }): ReplActivities['openRepl'] {
  return async function openRepl(input: OpenReplInput): Promise<OpenReplResult> {
    return withHeartbeat(async ({ signal, note }) => {
      const step = OpenReplInput.parse(input);
      const outcome = await repl.runStep(
        { ...step, image: repl.base, code: textRefOf(''), journal: null, delivery: null },
        { signal, onProgress: (progress) => note({ ...progress }) },
      );
      if (outcome.kind !== 'finished') {
        const why = outcome.kind === 'rolledBack' ? outcome.message : 'it waits for calls';
        throw ApplicationFailure.nonRetryable(
          `The inputs could not be loaded into the REPL: ${why}. Give the run a larger limits.heapMiB or smaller inputs.`,
          FailureType.invalidInput,
        );
      }
      if (outcome.error !== null) {
        throw ApplicationFailure.nonRetryable(
          `The REPL could not be prepared: ${outcome.error.message}.`,
          FailureType.invalidInput,
        );
      }
      const { image, computeMs, place } = outcome;
      return { image, computeMs, ...(place && { place }) };
    });
  };
}
