import { digestOf, GRACE_MS, keeping, keptBy, memoryStore, type Store } from '../../store/index.ts';
import type { SimulatedDisk } from './simulated-disk.ts';

export const HOUR_MS = 3_600_000;
export const LATER_MS = GRACE_MS + HOUR_MS;

export function bytes(name: string): Buffer {
  return Buffer.from(`blob ${name}`);
}

export function digest(name: string): string {
  return digestOf(bytes(name));
}

/** A store whose clock the test moves. */
export function timedStore(): { store: Store; wait: (ms: number) => void } {
  let now = 1_000_000_000;
  return { store: keeping(memoryStore(() => now)), wait: (ms) => void (now += ms) };
}

export async function activity(store: Store, owner: string, ...names: string[]): Promise<void> {
  await keptBy(owner, async () => {
    for (const name of names) await store.blobs.put(bytes(name));
  });
}

export async function there(store: Store, ...names: string[]): Promise<string[]> {
  const found = await Promise.all(names.map((name) => store.blobs.has(digest(name))));
  return names.filter((_, i) => found[i]);
}

export class Killed extends Error {}

/** A process that is killed at its n-th operation on files. */
export function mortal(disk: SimulatedDisk, lives: number): ReturnType<SimulatedDisk['files']> {
  let left = lives;
  const files = disk.files();
  return new Proxy(files, {
    get: (target, name, receiver) => {
      const operation: unknown = Reflect.get(target, name, receiver);
      if (typeof operation !== 'function') return operation;
      return async (...given: unknown[]) => {
        left -= 1;
        if (left < 0) throw new Killed('killed');
        const done: unknown = await Reflect.apply(operation, target, given);
        return done;
      };
    },
  });
}
