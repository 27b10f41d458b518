import { ingest, type IngestContext } from '../../documents/index.ts';
import { Manifest, type ManifestEntry } from '../../protocol/index.ts';
import {
  FileBytes,
  getJson,
  type InputValue,
  memoryStore,
  RemoteFiles,
  type Store,
  uploadRequestInputs,
} from '../../store/index.ts';

/** A file of these bytes; a text gives a byte a character. */
export function named(name: string, bytes: Uint8Array | string): FileBytes {
  return new FileBytes(name, typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
}

/** Files that the worker reads itself. */
export function remote(location: string): RemoteFiles {
  return new RemoteFiles(location);
}

/** What the REPL would have of an input. */
export interface ReadBack {
  /** Each value by its path: texts, and JSON parsed. */
  values: Record<string, unknown>;
  entries: ManifestEntry[];
  notes: string[];
  manifest: string;
}

export interface ReadOptions extends Omit<IngestContext, 'sources'> {
  strict?: boolean;
  store?: Store;
}

/** An input through upload and ingest, as a run has it. */
export async function readFiles(value: InputValue, options: ReadOptions = {}): Promise<ReadBack> {
  const { strict, store = memoryStore(), ...context } = options;
  const { inputs, sources } = await uploadRequestInputs(store, value, strict);
  const { manifest } = await ingest(store, inputs, { ...context, sources: sources?.list });
  const { entries, notes = [] } = await getJson(store, manifest, Manifest);
  const values: Record<string, unknown> = {};
  for (const { path, format, blob } of entries) {
    const text = (await store.blobs.get(blob.digest)).toString('utf8');
    const key = path.join(' > ');
    const before = values[key];
    values[key] =
      format === 'json' ? JSON.parse(text) : typeof before === 'string' ? before + text : text;
  }
  return { values, entries, notes, manifest };
}

/** The message of what is thrown; the name of its class before it. */
export async function refusal(reading: Promise<unknown>): Promise<string> {
  const failure: unknown = await reading.catch((error: unknown) => error);
  if (!(failure instanceof Error)) throw new Error('nothing was refused');
  return `${failure.name}: ${failure.message}`;
}

/** A store that counts what is put and what is converted anew. */
export function watched(store: Store): { store: Store; puts: string[]; gets: string[] } {
  const puts: string[] = [];
  const gets: string[] = [];
  return {
    puts,
    gets,
    store: {
      ...store,
      blobs: {
        ...store.blobs,
        put: async (bytes) => {
          const ref = await store.blobs.put(bytes);
          puts.push(ref.digest);
          return ref;
        },
        get: async (digest) => {
          gets.push(digest);
          return await store.blobs.get(digest);
        },
      },
    },
  };
}
