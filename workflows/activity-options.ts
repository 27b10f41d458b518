import type { ActivityOptions } from '@temporalio/workflow';
import type { CellLimits, ModelCard, ToolRoute } from '../protocol/index.ts';
import { FailureType } from '../protocol/index.ts';

/** Short work on the store and the registry, on the run's own queue. Ten attempts ride out a full disk or a restart of about a minute. */
export const LIGHT: ActivityOptions = {
  startToCloseTimeout: '1 minute',
  // A lost worker is noticed by this, so it is as short as a busy machine allows.
  heartbeatTimeout: '5 seconds',
  retry: {
    initialInterval: '100ms',
    backoffCoefficient: 2,
    maximumInterval: '10s',
    maximumAttempts: 10,
  },
};

/** A store may hold millions of blobs. Killed anywhere it begins again, so a few attempts; the next time comes anyway. */
export const COLLECTION: ActivityOptions = {
  startToCloseTimeout: '12 hours',
  heartbeatTimeout: '1 minute',
  retry: {
    initialInterval: '10s',
    backoffCoefficient: 2,
    maximumInterval: '5m',
    maximumAttempts: 5,
  },
};

/** Inputs may be gigabytes, or thousands of files to convert: time for them, and a heartbeat because it is long. */
export const INGEST: ActivityOptions = { ...LIGHT, startToCloseTimeout: '2 hours' };

/**
 * A model call. The heartbeat is slow on purpose: a false alarm repeats a call that somebody pays for. Bounded by time,
 * not by attempts: rate limits and outages send a call away many times without a request being made. A permanent
 * failure (wrong key, unknown model) is marked non-retryable where it is classified.
 */
export function modelCall(card: ModelCard, tree: string): ActivityOptions {
  return {
    taskQueue: card.taskQueue,
    // Runs that wait for the same model are served in turn, however many calls each has.
    priority: { fairnessKey: fairnessKey(tree) },
    // The call, and ten minutes for a full disk: its answer is paid for, and kept in hand until it can be stored.
    startToCloseTimeout: card.timeoutMs + 10 * 60_000,
    scheduleToCloseTimeout: '2 hours',
    heartbeatTimeout: '10 seconds',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
  };
}

/** The server takes at most 64 bytes. What two ids have in common is mostly their beginning. */
function fairnessKey(workflowId: string): string {
  const plain = workflowId.replaceAll(/[^ -~]/g, '_');
  return plain.length <= 64 ? plain : `${plain.slice(0, 24)}${plain.slice(-40)}`;
}

/**
 * A REPL step. Pure, so a false alarm of the fast heartbeat only costs its compute again; the first retry
 * comes at once. `computeMs` is enforced by the kernel host; the quarter of an hour on top is for images, replay and
 * waiting for memory. Twelve attempts ride out a host that has to be started, and a full disk for more than a minute
 * (see `activities/to-failure.ts`).
 */
export function replStep(
  queue: string,
  limits: CellLimits,
  isResumed: boolean = false,
): ActivityOptions {
  return {
    taskQueue: queue,
    // What has begun goes before what has not: it holds answers that were paid for.
    ...(isResumed ? { priority: { priorityKey: 2 } } : {}),
    startToCloseTimeout: limits.computeMs + 15 * 60_000,
    heartbeatTimeout: '2 seconds',
    // The heap that the next step starts from must be settled before the run goes on.
    cancellationType: 'WAIT_CANCELLATION_COMPLETED',
    retry: {
      initialInterval: '50ms',
      backoffCoefficient: 2,
      maximumInterval: '5s',
      maximumAttempts: 12,
      nonRetryableErrorTypes: [
        FailureType.imageIncompatible,
        FailureType.blobMissing,
        FailureType.blobCorrupted,
      ],
    },
  };
}

/**
 * A REPL step on the one worker that keeps its kernel. It takes it at once or not at all, and tries once: any other
 * worker does the same from the image, so that nothing is worth waiting for.
 */
export function hostStep(queue: string, limits: CellLimits): ActivityOptions {
  return {
    ...replStep(queue, limits, true),
    scheduleToStartTimeout: '500ms',
    // When its worker is gone, so may be the one that has the run in memory: their timeouts add up.
    heartbeatTimeout: '1 second',
    retry: { maximumAttempts: 1 },
  };
}

/**
 * A caller's own tool. Its limits are the caller's; that nobody serves its queue is found after ten minutes, since a
 * cell waits for it.
 */
export function toolCall(route: ToolRoute & { kind: 'activity' }): ActivityOptions {
  return {
    taskQueue: route.taskQueue,
    startToCloseTimeout: route.timeoutMs,
    scheduleToStartTimeout: '10 minutes',
    retry: {
      initialInterval: '1s',
      backoffCoefficient: 2,
      maximumInterval: '30s',
      maximumAttempts: route.attempts,
    },
  };
}

/** A tool of an MCP server, which may have done something although its answer was lost: few attempts. */
export function mcpCall(): ActivityOptions {
  return {
    startToCloseTimeout: '5 minutes',
    heartbeatTimeout: '10 seconds',
    retry: {
      initialInterval: '1s',
      backoffCoefficient: 2,
      maximumInterval: '30s',
      maximumAttempts: 3,
    },
  };
}
