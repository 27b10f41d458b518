import { type Store, StoreUnavailable } from '../../store/index.ts';

/** A store whose process dies at the next creation of a record, before or after it is durable. */
export function dyingStore(store: Store, when: 'beforeRecord' | 'afterRecord'): Store {
  return {
    ...store,
    records: {
      ...store.records,
      create: async (key, digest) => {
        if (when === 'afterRecord') await store.records.create(key, digest);
        throw new Error('the process died');
      },
    },
  };
}

/** A store that is full while `isFull` says so: reads go on. */
export function fullStore(store: Store, isFull: () => boolean): Store {
  const refuse = (): void => {
    if (isFull()) throw new StoreUnavailable(store.describe(), 'ENOSPC', 'the store is full');
  };
  return {
    ...store,
    blobs: {
      ...store.blobs,
      put: async (bytes) => {
        refuse();
        return await store.blobs.put(bytes);
      },
    },
    records: {
      ...store.records,
      create: async (key, digest) => {
        refuse();
        return await store.records.create(key, digest);
      },
    },
  };
}
