import type { Store } from '../../store/index.ts';

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
