import { AsyncLocalStorage } from 'node:async_hooks';
import type { BlobRef, Digest } from '../protocol/index.ts';
import { InvalidInput } from './errors.ts';
import { extendRoot } from './root-writer.ts';
import type { Store } from './store.ts';

/** What is kept is written down at least this often, so that a long activity's blobs never grow old unnamed. */
const FLUSH_MS = 10 * 60_000;
/** Owners remembered by a process as having a root. */
const MAX_KNOWN = 10_000;

/** Owners whose root this process has seen, by store. */
const known = new WeakMap<Store, Set<string>>();

/**
 * Makes the root of an owner unless there is one. To be called before the owner's first blob is put. `server` is the id
 * of the namespace whose server knows the owner. Throws InvalidInput while the owner is being forgotten: its blobs go.
 */
export async function makeRoot(store: Store, owner: string, server?: string): Promise<void> {
  const owners = known.get(store) ?? new Set();
  known.set(store, owners);
  const name = `${server ?? ''} ${owner}`;
  if (owners.has(name)) return;
  await refuseForgotten(store, owner);
  await store.roots.add({ kind: 'made', owner, ...(server === undefined ? {} : { server }) });
  if (owners.size >= MAX_KNOWN) owners.clear();
  owners.add(name);
}

/** Throws InvalidInput while an owner is being forgotten. */
export async function refuseForgotten(store: Store, owner: string): Promise<void> {
  if (!(await store.roots.isForgotten(owner))) return;
  throw new InvalidInput(
    `${owner} was forgotten and its values are being removed from ${store.describe()}: run "rlm gc" first, or take another id`,
  );
}

/**
 * Notes for one owner what is put, touched and recorded, and adds it to the owner's root: before a record is created,
 * and when `flush` is called, which must be before anybody else is told of a blob.
 */
class Keeper {
  readonly #store: Store;
  readonly #owner: string;
  readonly #server: string | undefined;
  #pending = new Set<Digest>();
  #since = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(store: Store, owner: string, server: string | undefined) {
    this.#store = store;
    this.#owner = owner;
    this.#server = server;
  }

  async begin(): Promise<void> {
    await makeRoot(this.#store, this.#owner, this.#server);
    if (this.#pending.size > 0 && performance.now() - this.#since > FLUSH_MS) await this.flush();
  }

  add(digest: Digest): void {
    if (this.#pending.size === 0) this.#since = performance.now();
    this.#pending.add(digest);
  }

  /** One after the other: when it resolves, what was added before is in the root, whoever wrote it. */
  async flush(records: readonly string[] = []): Promise<void> {
    const mine = this.#last.then(() => this.#write(records));
    this.#last = mine.catch(() => undefined);
    await mine;
  }

  async #write(records: readonly string[]): Promise<void> {
    if (this.#pending.size === 0 && records.length === 0) return;
    const blobs = this.#pending;
    this.#pending = new Set();
    try {
      await extendRoot(this.#store, this.#owner, blobs, records);
    } catch (error) {
      for (const digest of blobs) this.#pending.add(digest);
      throw error;
    }
  }

  get isOld(): boolean {
    return this.#pending.size > 0 && performance.now() - this.#since > FLUSH_MS;
  }
}

/** A piece of work for one owner, over however many stores. */
class KeepingScope {
  readonly #owner: string;
  readonly #server: string | undefined;
  readonly #keepers = new Map<Store, Keeper>();

  constructor(owner: string, server: string | undefined) {
    this.#owner = owner;
    this.#server = server;
  }

  keeper(store: Store): Keeper {
    const found = this.#keepers.get(store);
    if (found !== undefined) return found;
    const made = new Keeper(store, this.#owner, this.#server);
    this.#keepers.set(store, made);
    return made;
  }

  async flush(): Promise<void> {
    for (const keeper of this.#keepers.values()) await keeper.flush();
  }

  async flushOld(): Promise<void> {
    for (const keeper of this.#keepers.values()) if (keeper.isOld) await keeper.flush();
  }
}

const scopes = new AsyncLocalStorage<KeepingScope>();

/**
 * Runs work for an owner: what it puts into a store of `keeping` is in the owner's root when this resolves. When the
 * work throws, only its records are; blobs that nobody was told of are garbage. `server`: see `makeRoot`.
 */
export async function keptBy<T>(
  owner: string,
  work: (flushOld: () => Promise<void>) => Promise<T>,
  { server }: { server?: string } = {},
): Promise<T> {
  const scope = new KeepingScope(owner, server);
  return scopes.run(scope, async () => {
    const result = await work(() => scope.flushOld());
    await scope.flush();
    return result;
  });
}

/** The same store; what is put into it within `keptBy` is kept by that owner. Outside of it nothing is kept. */
export function keeping(store: Store): Store {
  const keeper = (): Keeper | undefined => scopes.getStore()?.keeper(store);
  return {
    ...store,
    blobs: {
      ...store.blobs,
      put: async (bytes): Promise<BlobRef> => {
        const mine = keeper();
        await mine?.begin();
        const ref = await store.blobs.put(bytes);
        mine?.add(ref.digest);
        return ref;
      },
      touch: async (digest) => {
        const mine = keeper();
        await mine?.begin();
        await store.blobs.touch(digest);
        mine?.add(digest);
      },
    },
    records: {
      ...store.records,
      create: async (key, digest) => {
        const mine = keeper();
        if (mine === undefined) return await store.records.create(key, digest);
        await mine.begin();
        mine.add(digest);
        // Before the record: whoever finds it must find the blob, however late.
        await mine.flush([key]);
        const winner = await store.records.create(key, digest);
        if (winner !== digest) mine.add(winner);
        return winner;
      },
    },
  };
}
