import { describe, expect, test } from '@jest/globals';
import {
  describeInputs,
  fitWhole,
  readManifest,
  shapeOf,
  totalChars,
} from '../../models/describe-inputs.ts';
import type { ManifestEntry } from '../../protocol/index.ts';
import { memoryStore, putJson } from '../../store/index.ts';

// Scope: what a prompt says of inputs that were files. Plain values are tested with the whole opening.

async function shown(
  entries: readonly (Omit<ManifestEntry, 'blob' | 'chars'> & { text: string; chars?: number })[],
  notes: string[] = [],
  whole = false,
): Promise<string> {
  const store = memoryStore();
  const listed: ManifestEntry[] = [];
  for (const { text, ...entry } of entries) {
    const blob = await store.blobs.put(Buffer.from(text));
    listed.push({ chars: text.length, ...entry, blob });
  }
  const { digest } = await putJson(store, { entries: listed, notes });
  const manifest = await readManifest(store, digest);
  return await describeInputs(store, manifest.inputs, manifest.notes, whole);
}

describe('a prompt says of', () => {
  test('a document its name, format, title, pages and size', async () => {
    const text = 'One page.';
    const document = {
      name: 'contract.pdf',
      pages: [
        [0, 4],
        [4, 9],
      ] satisfies [number, number][],
      metadata: { format: 'pdf', title: 'The contract' },
    };
    const excerpt = { head: text, tail: '' };
    expect(await shown([{ path: ['c'], format: 'text', text, document, excerpt }])).toBe(
      '- `input_data["c"]`: `Document` (a str) ("contract.pdf", pdf, title "The contract"), 2 pages, 9 characters\n```text\nOne page.\n```',
    );
  });

  test('a table its rows and columns', async () => {
    const document = {
      name: 'orders.csv',
      metadata: { format: 'csv', rows: 1204, columns: ['id', 'amount'] },
    };
    expect(await shown([{ path: [], format: 'json', text: '[]', document }])).toBe(
      '- `input_data`: list of 1,204 dicts with the keys "id", "amount" ("orders.csv", csv)\n```text\n[]\n```',
    );
  });

  test('a large text its ends, without reading it', async () => {
    const excerpt = { head: 'The beginning ', tail: ' the end.' };
    const document = { name: 'log.txt', metadata: { format: 'text' } };
    const entry = { path: ['log'], format: 'text' as const, document, excerpt };
    expect(await shown([{ ...entry, text: 'not looked at', chars: 5023 }])).toBe(
      '- `input_data["log"]`: `Document` (a str) ("log.txt"), 5,023 characters\n```text\nThe beginning\n… 5,000 characters not shown …\nthe end.\n```',
    );
  });

  test('a text in parts that it is one', async () => {
    const part = (number: number, text: string): Parameters<typeof shown>[0][number] => ({
      path: ['log'],
      format: 'text',
      text,
      part: number,
      document: { name: 'log.txt', pages: [[0, text.length]], firstPage: number + 1 },
      excerpt: { head: text, tail: '' },
    });
    expect(await shown([part(0, 'first'), part(1, 'second'), part(2, 'third')])).toBe(
      '- `input_data["log"]`: `Parts` (a list of 3 texts, searched as one) ("log.txt"), 3 pages, 16 characters\n```text\nfirst\n… 6 characters not shown …\nthird\n```',
    );
  });

  test('what was guessed, split or left out', async () => {
    const notes = [
      'a.txt is not UTF-8: read as koi8-r',
      ...Array.from({ length: 40 }, (_, i) => `n${i}`),
    ];
    const text = await shown([{ path: [], format: 'text', text: 'x' }], notes);
    expect(text.split('\n').slice(4, 8)).toEqual([
      '',
      'Noted when the inputs were read:',
      '',
      '- a.txt is not UTF-8: read as koi8-r',
    ]);
    expect(text.endsWith('- n28\n- and 11 more')).toBe(true);
  });
});

test('parts count as one input for the shape, the size and what is shown whole', async () => {
  const store = memoryStore();
  const blob = await store.blobs.put(Buffer.from('text'));
  const entries = [0, 1].map((part) => ({ path: [], format: 'text', blob, chars: 4, part }));
  const { inputs } = await readManifest(store, (await putJson(store, { entries })).digest);
  expect(shapeOf(inputs)).toBe('one `Parts` (a list of 2 texts, searched as one)');
  expect([totalChars(inputs), fitWhole(inputs, 8), fitWhole(inputs, 7)]).toEqual([8, true, false]);
});
