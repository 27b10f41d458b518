import type { ZodType } from 'zod';
import { addUsage, type Digest, type Usage } from '../protocol/index.ts';
import { getJson, putJson, type Store } from '../store/index.ts';
import { whileUnavailable } from './while-unavailable.ts';

/** For a value that nothing follows from. */
export async function nothingBeside(): Promise<undefined> {
  return undefined;
}

export interface Recorded<T, B> {
  readonly value: T;
  /** What was stored beside it. */
  readonly beside: B;
  /** The blob that the record names. */
  readonly digest: Digest;
  /** True when the value was found: nothing was made, nothing paid. */
  readonly repeated: boolean;
  /** Spend of this attempt and of the one whose value it is. */
  readonly usage: Usage;
}

/**
 * Makes a paid value once: the record under `key` if there is one, else what `make` gives, stored and then
 * recorded before it is returned. The first writer of the record wins: an attempt that loses the race
 * returns the winner's value, and both costs as its usage. A death between the blob and the record
 * leaves a blob that nothing names, and the next attempt pays again; nothing else is ever paid twice. A store
 * that is full or away is waited for with the value in hand: another attempt would pay for it again.
 */
export async function recordOnce<T, B>(
  store: Store,
  key: string,
  schema: ZodType<T>,
  usageOf: (value: T) => Usage,
  make: () => Promise<T>,
  {
    signal,
    storeBeside,
  }: {
    signal?: AbortSignal | undefined;
    /** Stores what follows from the value, while the value itself is stored: each waits for the disk. May be called twice. */
    storeBeside: (value: T) => Promise<B>;
  },
): Promise<Recorded<T, B>> {
  const known = await store.records.find(key);
  if (known !== undefined) {
    const value = await getJson(store, known, schema);
    const beside = await storeBeside(value);
    return { value, beside, digest: known, repeated: true, usage: usageOf(value) };
  }
  const mine = await make();
  const early = storeBeside(mine);
  // Should it fail, it is tried again below, when what was paid for is safe.
  const { digest, winner } = await whileUnavailable(async () => {
    const [stored] = await Promise.all([putJson(store, mine), Promise.allSettled([early])]);
    return { digest: stored.digest, winner: await store.records.create(key, stored.digest) };
  }, signal);
  if (winner === digest) {
    const beside = await early.catch(() => storeBeside(mine));
    return { value: mine, beside, digest, repeated: false, usage: usageOf(mine) };
  }
  const value = await getJson(store, winner, schema);
  return {
    value,
    beside: await storeBeside(value),
    digest: winner,
    repeated: false,
    usage: addUsage(usageOf(value), usageOf(mine)),
  };
}
