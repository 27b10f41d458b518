import { ApplicationFailure } from '@temporalio/workflow';
import { FailureType, RunStart } from '../protocol/index.ts';
import { RunState } from './run-state.ts';

/** The argument of a run, or InvalidInput naming the path. Never a bare ZodError: that would fail the workflow task, which is retried for ever. */
export function parseStart(input: unknown): RunStart {
  const parsed = RunStart.safeParse(input);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join('.') || 'argument'}: ${message}`);
  throw ApplicationFailure.nonRetryable(
    `The run's spec is not valid: ${issues.join('; ')}.`,
    FailureType.invalidInput,
  );
}

/** The state that the execution before this one carried over. */
export function parseCarried(carried: unknown): RunState {
  const parsed = RunState.safeParse(carried);
  if (parsed.success) return parsed.data;
  throw ApplicationFailure.nonRetryable(
    'The state of the execution before this one cannot be read by this version; run the version that wrote it.',
    FailureType.invalidInput,
  );
}
