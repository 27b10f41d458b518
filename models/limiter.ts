import { FailureType } from '../protocol/index.ts';
import { ModelError } from './model-failure.ts';

/** What the configuration allows; absent is no limit. */
export interface RateLimits {
  readonly concurrency?: number;
  readonly requestsPerMinute?: number;
  /** Input tokens, as estimated before a call. */
  readonly tokensPerMinute?: number;
}

/** Time as the limiter sees it; tests bring their own. */
export interface LimiterClock {
  now(): number;
  /** Calls back once after a delay in ms; returns what cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/**
 * Keeps the calls of one process to one model within its limits and backs off on 429.
 *
 * L1. Calls start in the order in which they came, at most `limit` at a time.
 * L2. Of the calls that were under way at a 429, each one that is refused narrows `limit` by one, so that it
 *     becomes the number of those that got through; new starts pause for the time that the provider named.
 *     Each success raises it by 1/limit, up to where it began.
 * L3. A call that would wait longer than LONGEST_WAIT_MS holds no slot of the worker: it fails at once with
 *     the time at which to come back, and those times are spread. One whose turn comes later than was expected is
 *     sent away after LONGEST_WAIT_MS.
 */
export interface Limiter {
  /** Runs the call when its turn comes. Throws ModelError Model.RateLimited (retryable, with a delay) instead of a long wait, and the signal's reason when it is aborted while it waits. */
  run<T>(tokens: number, call: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

const LONGEST_WAIT_MS = 5_000;
/** Where `limit` begins without a configured concurrency: what a run may have in flight at most. */
const DEFAULT_CONCURRENCY = 500;
/** Pause after a 429 that names none. */
const DEFAULT_PAUSE_MS = 1_000;
/** Assumed duration of a call until one has been measured. */
const FIRST_DURATION_MS = 1_000;
/** Multiples of it, modulo 1, are spread evenly however many there are. */
const GOLDEN_RATIO = 0.618_033_988_749_895;
const MINUTE_MS = 60_000;

const realClock: LimiterClock = {
  now: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

interface Waiter {
  readonly tokens: number;
  readonly start: () => void;
  readonly refuse: (error: ModelError) => void;
}

export function createLimiter(
  model: string,
  limits: RateLimits = {},
  clock: LimiterClock = realClock,
): Limiter {
  const ceiling = limits.concurrency ?? DEFAULT_CONCURRENCY;
  const requestMs = limits.requestsPerMinute ? MINUTE_MS / limits.requestsPerMinute : 0;
  const tokenMs = limits.tokensPerMinute ? MINUTE_MS / limits.tokensPerMinute : 0;
  const queue: Waiter[] = [];
  let limit = ceiling;
  /** Start times of the calls under way, oldest first. */
  const under = new Set<{ startedAt: number }>();
  let pausedUntil = 0;
  let lastCut = Number.NEGATIVE_INFINITY;
  let measuredMs: number | null = null;
  /** Earliest start by the rate limits: each start moves it on by its cost. */
  let pacedUntil = 0;
  let spread = 0;
  /** Slots taken: calls under way, and those told to start that have not begun yet. */
  let taken = 0;
  let cancelTimer: (() => void) | null = null;

  const width = (): number => Math.max(1, Math.floor(limit));

  /** Expected duration of a call. The age of the oldest one under way counts: it is known before the first has ended. */
  function durationMs(): number {
    const [oldest] = under;
    const age = oldest === undefined ? 0 : clock.now() - oldest.startedAt;
    return Math.max(measuredMs ?? FIRST_DURATION_MS, age);
  }

  /** Expected wait in ms of a call with so many before it in the queue. */
  function waitAt(position: number): number {
    const now = clock.now();
    const byTime = Math.max(pausedUntil, pacedUntil + position * requestMs) - now;
    const ahead = Math.max(0, taken + position + 1 - width());
    return Math.max(0, byTime) + Math.ceil(ahead / width()) * durationMs();
  }

  function sentAway(waitMs: number): ModelError {
    // Spread over as long again, evenly and without chance: those sent away together do not come back together.
    spread = (spread + GOLDEN_RATIO) % 1;
    return new ModelError({
      type: FailureType.modelRateLimited,
      retryable: true,
      message: `${model} has more calls waiting than its rate limit lets through.`,
      nextRetryDelayMs: Math.ceil(waitMs * (1 + spread)),
    });
  }

  function pump(): void {
    cancelTimer?.();
    cancelTimer = null;
    while (queue.length > 0 && taken < width()) {
      const blockedMs = Math.max(pausedUntil, pacedUntil) - clock.now();
      if (blockedMs > 0) {
        cancelTimer = clock.after(blockedMs, pump);
        return;
      }
      const next = queue.shift();
      if (next === undefined) return;
      taken += 1;
      pacedUntil = Math.max(pacedUntil, clock.now()) + requestMs + next.tokens * tokenMs;
      next.start();
    }
  }

  /** Those whose turn is now too far off do not wait for it (L3). */
  function shedLateWaiters(): void {
    for (let at = queue.length - 1; at >= 0; at--) {
      const waitMs = waitAt(at);
      if (waitMs <= LONGEST_WAIT_MS) return;
      queue.splice(at, 1)[0]?.refuse(sentAway(waitMs));
    }
  }

  function onRateLimited(startedAt: number, error: ModelError): void {
    const now = clock.now();
    pausedUntil = Math.max(pausedUntil, now + (error.failure.nextRetryDelayMs ?? DEFAULT_PAUSE_MS));
    if (startedAt > lastCut) {
      limit = Math.min(limit, under.size);
      lastCut = now;
    }
    limit = Math.max(1, limit - 1);
    shedLateWaiters();
  }

  function turn(tokens: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { tokens, start: resolve, refuse: reject };
    const leave = (reason: (at: number) => unknown): void => {
      const at = queue.indexOf(waiter);
      if (at === -1) return;
      queue.splice(at, 1);
      reject(reason(at));
    };
    const onAbort = (): void => leave(() => signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    queue.push(waiter);
    pump();
    // What was expected may have been wrong: durations, and how many get through, change all the time.
    const cancelWait = clock.after(LONGEST_WAIT_MS, () =>
      leave((at) => sentAway(Math.max(DEFAULT_PAUSE_MS, waitAt(at)))),
    );
    return promise.finally(() => {
      cancelWait();
      signal?.removeEventListener('abort', onAbort);
    });
  }

  return {
    run: async (tokens, call, signal) => {
      signal?.throwIfAborted();
      const waitMs = waitAt(queue.length);
      if (waitMs > LONGEST_WAIT_MS) throw sentAway(waitMs);
      await turn(tokens, signal);
      const mine = { startedAt: clock.now() };
      under.add(mine);
      try {
        const result = await call();
        const tookMs = clock.now() - mine.startedAt;
        measuredMs = measuredMs === null ? tookMs : measuredMs + (tookMs - measuredMs) / 8;
        limit = Math.min(ceiling, limit + 1 / width());
        return result;
      } catch (error) {
        if (isRateLimit(error)) onRateLimited(mine.startedAt, error);
        throw error;
      } finally {
        under.delete(mine);
        taken -= 1;
        pump();
      }
    },
  };
}

function isRateLimit(error: unknown): error is ModelError {
  return (
    error instanceof ModelError &&
    error.failure.type === FailureType.modelRateLimited &&
    error.failure.retryable
  );
}
