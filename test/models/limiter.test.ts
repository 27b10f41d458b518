import { describe, expect, test } from '@jest/globals';
import { createLimiter, type LimiterClock } from '../../models/limiter.ts';
import { ModelError } from '../../models/model-failure.ts';

/** A clock that stands still until it is told to go on. */
class TestClock implements LimiterClock {
  #now = 0;
  #timers: { at: number; callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  async go(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settle();
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = next.at;
      next.callback();
    }
    this.#now = end;
    await settle();
  }
}

/** Lets everything that is resolved run. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function rateLimited(nextRetryDelayMs?: number): ModelError {
  return new ModelError({
    type: 'Model.RateLimited',
    retryable: true,
    message: '429',
    ...(nextRetryDelayMs === undefined ? {} : { nextRetryDelayMs }),
  });
}

/** A call that ends when the test says so. */
class Calls {
  readonly started: number[] = [];
  readonly #open = new Map<number, PromiseWithResolvers<string>>();

  make(name: number): () => Promise<string> {
    return async () => {
      this.started.push(name);
      const call = Promise.withResolvers<string>();
      this.#open.set(name, call);
      return await call.promise;
    };
  }

  succeed(name: number): void {
    this.#open.get(name)?.resolve(`answer ${name}`);
  }

  fail(name: number, error: Error): void {
    this.#open.get(name)?.reject(error);
  }
}

function failureOf(outcome: PromiseSettledResult<unknown> | undefined): unknown {
  return outcome?.status === 'rejected' && outcome.reason instanceof ModelError
    ? outcome.reason.failure
    : outcome;
}

describe('createLimiter', () => {
  test('without limits and without 429s every call starts at once', async () => {
    const calls = new Calls();
    const limiter = createLimiter('m', {}, new TestClock());
    const done = Array.from({ length: 500 }, (_, at) => limiter.run(1, calls.make(at)));
    await settle();
    expect(calls.started).toHaveLength(500);
    for (let at = 0; at < 500; at++) calls.succeed(at);
    expect((await Promise.all(done)).at(-1)).toBe('answer 499');
  });

  test('calls start in their order, as many as may run at a time', async () => {
    const calls = new Calls();
    const limiter = createLimiter('m', { concurrency: 2 }, new TestClock());
    const done = Promise.allSettled([1, 2, 3, 4].map((name) => limiter.run(1, calls.make(name))));
    await settle();
    expect(calls.started).toEqual([1, 2]);
    calls.succeed(2);
    await settle();
    expect(calls.started).toEqual([1, 2, 3]);
    calls.fail(1, new Error('other'));
    await settle();
    expect(calls.started).toEqual([1, 2, 3, 4]);
    calls.succeed(3);
    calls.succeed(4);
    expect((await done).map(({ status }) => status)).toEqual([
      'rejected',
      'fulfilled',
      'fulfilled',
      'fulfilled',
    ]);
  });

  test('requests a minute are spread over the minute', async () => {
    const calls = new Calls();
    const clock = new TestClock();
    const limiter = createLimiter('m', { requestsPerMinute: 60 }, clock);
    const done = [1, 2, 3].map((name) => limiter.run(1, calls.make(name)));
    await clock.go(999);
    expect(calls.started).toEqual([1]);
    await clock.go(1);
    expect(calls.started).toEqual([1, 2]);
    await clock.go(1000);
    expect(calls.started).toEqual([1, 2, 3]);
    for (const name of [1, 2, 3]) calls.succeed(name);
    await Promise.all(done);
  });

  test('tokens a minute: a large prompt makes the next one wait', async () => {
    const calls = new Calls();
    const clock = new TestClock();
    const limiter = createLimiter('m', { tokensPerMinute: 60_000 }, clock);
    const done = [limiter.run(3_000, calls.make(1)), limiter.run(1, calls.make(2))];
    await clock.go(2_999);
    expect(calls.started).toEqual([1]);
    await clock.go(1);
    expect(calls.started).toEqual([1, 2]);
    for (const name of [1, 2]) calls.succeed(name);
    await Promise.all(done);
  });

  test('after a 429 nothing starts before the time that the provider named', async () => {
    const calls = new Calls();
    const clock = new TestClock();
    const limiter = createLimiter('m', { concurrency: 2 }, clock);
    const done = Promise.allSettled([1, 2, 3].map((name) => limiter.run(1, calls.make(name))));
    await settle();
    calls.fail(1, rateLimited(3_000));
    calls.succeed(2);
    await clock.go(2_999);
    expect(calls.started).toEqual([1, 2]);
    await clock.go(1);
    expect(calls.started).toEqual([1, 2, 3]);
    calls.succeed(3);
    expect((await done).map(({ status }) => status)).toEqual([
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
  });

  test('a pause of more than 5 s sends those who wait away, each with a time of its own', async () => {
    const calls = new Calls();
    const clock = new TestClock();
    const limiter = createLimiter('m', { concurrency: 2 }, clock);
    const done = [1, 2, 3, 4].map((name) => limiter.run(1, calls.make(name)));
    await settle();
    calls.fail(1, rateLimited(20_000));
    const late = limiter.run(1, calls.make(5));
    calls.succeed(2);
    const outcomes = await Promise.allSettled([...done, late]);
    const refused = [outcomes[3], outcomes[2], outcomes[4]].map(failureOf);
    const delays = refused.map((failure) => Reflect.get(Object(failure), 'nextRetryDelayMs'));
    for (const [at, failure] of refused.entries()) {
      expect(failure).toEqual({
        type: 'Model.RateLimited',
        retryable: true,
        message: 'm has more calls waiting than its rate limit lets through.',
        nextRetryDelayMs: delays[at],
      });
    }
    expect(new Set(delays).size).toBe(3);
    expect(Math.min(...delays.map(Number))).toBeGreaterThanOrEqual(20_000);
    expect(calls.started).toEqual([1, 2]);
  });

  test('of calls that were under way together, as many may run next as got through', async () => {
    const calls = new Calls();
    const clock = new TestClock();
    const limiter = createLimiter('m', { concurrency: 8 }, clock);
    const first = Array.from({ length: 8 }, (_, at) => limiter.run(1, calls.make(at)));
    await settle();
    for (let at = 0; at < 5; at++) calls.fail(at, rateLimited(100));
    for (let at = 5; at < 8; at++) calls.succeed(at);
    await Promise.allSettled(first);
    await clock.go(100);
    const second = Array.from({ length: 8 }, (_, at) => limiter.run(1, calls.make(10 + at)));
    await settle();
    expect(calls.started.filter((name) => name >= 10)).toEqual([10, 11, 12, 13]);
    for (let name = 10; name < 18; name++) {
      calls.succeed(name);
      await settle();
    }
    await Promise.all(second);
  });

  test('a call whose run is cancelled while it waits never starts', async () => {
    const calls = new Calls();
    const limiter = createLimiter('m', { concurrency: 1 }, new TestClock());
    const controller = new AbortController();
    const first = limiter.run(1, calls.make(1));
    const second = limiter.run(1, calls.make(2), controller.signal);
    const third = limiter.run(1, calls.make(3));
    const reason = new Error('cancelled');
    controller.abort(reason);
    await expect(second).rejects.toBe(reason);
    calls.succeed(1);
    await first;
    await settle();
    calls.succeed(3);
    await third;
    expect(calls.started).toEqual([1, 3]);
  });

  test('a storm of 500 calls against 20 a second settles, with few attempts a call', async () => {
    const clock = new TestClock();
    const limiter = createLimiter('m', {}, clock);
    let budget = 20;
    const refill = (): void => {
      budget = 20;
      clock.after(1_000, refill);
    };
    clock.after(1_000, refill);
    const attempts: number[] = [];
    /** How long an attempt held its slot of the worker, answered or sent away. */
    const held: number[] = [];
    const done = new Set<number>();
    const once = async (name: number): Promise<void> => {
      attempts[name] = (attempts[name] ?? 0) + 1;
      const began = clock.now();
      try {
        await limiter.run(1, async () => {
          if (budget === 0) throw rateLimited(1_000 - (clock.now() % 1_000));
          budget -= 1;
          await new Promise<void>((resolve) => void clock.after(300, resolve));
        });
        done.add(name);
      } catch (error) {
        const delay = error instanceof ModelError ? error.failure.nextRetryDelayMs : undefined;
        clock.after(delay ?? 1_000, () => void once(name));
      } finally {
        held.push(clock.now() - began);
      }
    };
    for (let name = 0; name < 500; name++) void once(name);
    for (let second = 0; second < 120 && done.size < 500; second++) await clock.go(1_000);
    expect(done.size).toBe(500);
    expect(clock.now()).toBeLessThanOrEqual(45_000);
    expect(Math.max(...attempts)).toBeLessThanOrEqual(8);
    // The longest wait, and a call.
    expect(Math.max(...held)).toBeLessThanOrEqual(5_000 + 1_000);
  });
});
