import { ApplicationFailure } from '@temporalio/workflow';
import { z } from 'zod';
import { Budget, CellLimits, FailureType, RunSpec, RunStart } from '../protocol/index.ts';
import { RunState } from './run-state.ts';

/** The argument of a run, or InvalidInput naming the path. Never a bare ZodError: that would fail the workflow task, which is retried for ever. */
export function parseStart(input: unknown): RunStart {
  const parsed = RunStart.safeParse(input);
  if (parsed.success) {
    // What another version of this workflow wrote is not a person's mistake.
    const { parent, carried } = parsed.data;
    if (parent === null && carried === undefined) refuseUnknown(input);
    return parsed.data;
  }
  const issues = parsed.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join('.') || 'argument'}: ${message}`);
  throw ApplicationFailure.nonRetryable(
    `The run's spec is not valid: ${issues.join('; ')}.`,
    FailureType.invalidInput,
  );
}

const Strict = z.strictObject({
  spec: z.strictObject({
    ...RunSpec.shape,
    budget: z.strictObject(Budget.partial().shape),
    limits: z.strictObject(CellLimits.partial().shape),
  }),
  parent: z.unknown(),
  searchAttributes: z.unknown(),
});

/** A misspelt limit must not leave a run without it. */
function refuseUnknown(input: unknown): void {
  const parsed = Strict.safeParse(input);
  const unknown = parsed.error?.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => [...issue.path, key].join('.'))
      : [],
  );
  if (unknown === undefined || unknown.length === 0) return;
  throw ApplicationFailure.nonRetryable(
    `The run's spec is not valid: ${unknown.slice(0, 5).join(', ')}: there is no such field.`,
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
