import { describe, expect, test } from '@jest/globals';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { z } from 'zod';
import { toFailure } from '../../activities/to-failure.ts';
import { ModelError } from '../../models/index.ts';
import { FailureType } from '../../protocol/index.ts';
import { ImageIncompatible, KernelCrashed } from '../../repl/index.ts';
import { BlobCorrupted, BlobMissing, InvalidInput, StoreUnavailable } from '../../store/index.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('the failure of an activity', () => {
  test.each([
    ['an image of another runtime', new ImageIncompatible('x'), 'Image.Incompatible', true],
    ['a wrong input', new InvalidInput('x'), 'InvalidInput', true],
    ['a dead kernel host', new KernelCrashed('x'), 'Kernel.Crashed', false],
    ['a missing blob', new BlobMissing(DIGEST, 'directory /s'), 'Blob.Missing', true],
    ['a corrupt blob', new BlobCorrupted(DIGEST, 'directory /s', 'x'), 'Blob.Corrupted', true],
    [
      'a full store',
      new StoreUnavailable('directory /s', 'ENOSPC', 'full'),
      'Store.Unavailable',
      false,
    ],
    ['an unknown error', new TypeError('x is not a function'), 'TypeError', false],
    ['something that is no error', 'text', 'Unknown', false],
  ])('for %s is typed, and permanent: %p', (_, error, type, nonRetryable) => {
    expect(toFailure(error)).toMatchObject({ type, nonRetryable });
  });

  test('for a rate limit is retried when the provider said', () => {
    const failure = toFailure(
      new ModelError({
        type: FailureType.modelRateLimited,
        retryable: true,
        message: 'Slow down.',
        nextRetryDelayMs: 1500,
      }),
    );
    expect(failure).toMatchObject({
      type: 'Model.RateLimited',
      message: 'Slow down.',
      nonRetryable: false,
      nextRetryDelay: 1500,
    });
  });

  test.each([
    [1, 500],
    [2, 1000],
    [6, 15_000],
    [40, 15_000],
  ])('for a store that is unavailable at attempt %i waits %i ms', (attempt, nextRetryDelay) => {
    const full = new StoreUnavailable('directory /s', 'ENOSPC', 'full');
    expect(toFailure(full, attempt)).toMatchObject({ nextRetryDelay, nonRetryable: false });
  });

  test('for a wrong input names the path and is permanent', () => {
    const { error } = z.object({ turn: z.int() }).safeParse({ turn: 'x' });
    const failure = toFailure(error);
    expect(failure).toMatchObject({ type: 'InvalidInput', nonRetryable: true });
    expect(failure.message).toContain('turn');
  });

  test('lets failures and cancellations through as they are', () => {
    const failure = ApplicationFailure.create({ message: 'own' });
    const cancelled = new CancelledFailure('stop');
    expect(toFailure(failure)).toBe(failure);
    expect(toFailure(cancelled)).toBe(cancelled);
  });
});
