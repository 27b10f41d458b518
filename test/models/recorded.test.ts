import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { recordOnce } from '../../models/recorded.ts';
import { NO_USAGE } from '../../protocol/index.ts';
import {
  getText,
  keeping,
  keptBy,
  memoryStore,
  putJson,
  putText,
  type Store,
} from '../../store/index.ts';

// Scope: what follows from a paid value is stored beside it, and never in its way.

const Value = z.object({ said: z.string() });
type Value = z.infer<typeof Value>;
const OWNER = 'run a';

interface Made {
  paid: number;
  stored: string[];
}

async function turn(
  store: Store,
  made: Made,
  storeBeside: (value: Value) => Promise<string> = async ({ said }) => {
    made.stored.push(said);
    return (await putText(store, `after ${said}`)).digest;
  },
) {
  return await recordOnce(
    store,
    'key',
    Value,
    () => NO_USAGE,
    async () => {
      made.paid += 1;
      return { said: `reply ${made.paid}` };
    },
    { storeBeside },
  );
}

describe('what is stored beside a recorded value', () => {
  test('is there with it, and in the root of its owner before the record is', async () => {
    const inner = memoryStore();
    const order: string[] = [];
    const noted: Store = {
      ...inner,
      roots: {
        ...inner.roots,
        add: async (piece) => {
          if (piece.kind === 'kept') order.push(`root with ${piece.blobs?.length ?? 0} blobs`);
          return inner.roots.add(piece);
        },
      },
      records: {
        ...inner.records,
        create: async (key, digest) => {
          order.push('record');
          return inner.records.create(key, digest);
        },
      },
    };
    const store = keeping(noted);
    const made: Made = { paid: 0, stored: [] };
    const { beside } = await keptBy(OWNER, () => turn(store, made));
    expect(order).toEqual(['root with 2 blobs', 'record']);
    expect(await getText(store, beside)).toBe('after reply 1');
  });

  test('is stored again when the value is found: nothing is paid', async () => {
    const store = memoryStore();
    const made: Made = { paid: 0, stored: [] };
    const first = await turn(store, made);
    const second = await turn(store, made);
    expect(made).toEqual({ paid: 1, stored: ['reply 1', 'reply 1'] });
    expect(second).toEqual({ ...first, repeated: true });
  });

  test('follows from the value that won a race', async () => {
    const inner = memoryStore();
    const winner = await putJson(inner, { said: 'theirs' });
    const store: Store = {
      ...inner,
      records: {
        find: async () => undefined,
        create: async () => winner.digest,
      },
    };
    const made: Made = { paid: 0, stored: [] };
    const { value, beside } = await turn(store, made);
    expect(value.said).toBe('theirs');
    expect(made.stored).toEqual(['reply 1', 'theirs']);
    expect(await getText(store, beside)).toBe('after theirs');
  });

  test('may fail: what was paid for is recorded first, and it is tried again', async () => {
    const store = memoryStore();
    const made: Made = { paid: 0, stored: [] };
    let failures = 1;
    const flaky = async ({ said }: Value): Promise<string> => {
      if (failures-- > 0) throw new Error('no');
      expect(await store.records.find('key')).toBeDefined();
      return said;
    };
    expect((await turn(store, made, flaky)).beside).toBe('reply 1');
    failures = 2;
    const other = memoryStore();
    await expect(turn(other, made, flaky)).rejects.toThrow('no');
    expect(await other.records.find('key')).toBeDefined();
  });
});
