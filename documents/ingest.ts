import { basename } from 'node:path';
import {
  caps,
  type Digest,
  type IngestProgress,
  type IngestResult,
  InputSources,
  type Manifest,
  type ManifestEntry,
} from '../protocol/index.ts';
import { digestOfLarge, getJson, InvalidInput, putJson, type Store } from '../store/index.ts';
import { Batches } from './batch.ts';
import { checkHeap } from './check-heap.ts';
import { checkPaths, checkStored } from './check-stored.ts';
import { Converter } from './converter.ts';
import { InvalidDocument, Unreadable } from './errors.ts';
import { openArchive, remoteItems } from './find-items.ts';
import type { Found, Item } from './item.ts';
import { NO_ACCESS, type SourceAccess } from './source-access.ts';
import { findDocument, storeDocument, type StoredEntry } from './stored-document.ts';

export interface IngestContext {
  /** Blob of `InputSources`: read after the values that are listed. */
  sources?: Digest | undefined;
  /** Inputs that need more are refused. */
  heapMiB?: number | undefined;
  access?: SourceAccess;
  signal?: AbortSignal;
  onProgress?: (progress: IngestProgress) => void;
}

/**
 * Makes the manifest of a run's inputs: checks values that are in the store, reads files of any format, each once however
 * often it comes. Running it twice gives the same manifest and reads no file again. Throws BlobMissing and BlobCorrupted,
 * InvalidInput and InvalidDocument for what cannot be used, SourceUnavailable for what cannot be reached now.
 */
export async function ingest(
  store: Store,
  entries: readonly ManifestEntry[],
  context: IngestContext = {},
): Promise<IngestResult> {
  const list: InputSources =
    context.sources === undefined
      ? { sources: [] }
      : await getJson(store, context.sources, InputSources);
  const reading = new Ingest(store, context, list.strict === true);
  try {
    await reading.readStored(entries);
    await reading.readSources(list);
    return await reading.result(list.notes ?? []);
  } finally {
    await reading.dispose();
  }
}

class Ingest {
  readonly #store: Store;
  readonly #context: IngestContext;
  readonly #batches: Batches;
  readonly #converter = new Converter();
  readonly #entries: StoredEntry[] = [];
  readonly #notes: string[] = [];
  #progress: IngestProgress = { phase: 'started', done: 0, total: 0, bytes: 0 };

  constructor(store: Store, context: IngestContext, strict: boolean) {
    this.#store = store;
    this.#context = context;
    this.#batches = new Batches(strict);
  }

  async readStored(entries: readonly ManifestEntry[]): Promise<void> {
    this.#tell({ total: this.#progress.total + entries.length });
    for (const entry of entries) {
      this.#tell({ phase: 'reading', name: entry.path.join('/') });
      const { stored, notes } = await checkStored(this.#store, entry);
      this.#entries.push(...stored);
      this.#notes.push(...notes);
      this.#tell({
        done: this.#progress.done + 1,
        bytes: this.#progress.bytes + entry.blob.sizeBytes,
      });
    }
  }

  async readSources({ sources }: InputSources): Promise<void> {
    const { access = NO_ACCESS, signal } = this.#context;
    this.#tell({ total: this.#progress.total + sources.length });
    for (const source of sources) {
      signal?.throwIfAborted();
      if (source.kind === 'stored') {
        this.#tell({ total: this.#progress.total - 1 });
        await this.readStored([source.entry]);
      } else if (source.kind === 'upload') {
        const { blob, path, name, batch = false } = source;
        const load = (): Promise<Buffer<ArrayBuffer>> => this.#blob(blob.digest);
        await this.#take({ kind: 'item', item: { path, name, batch, digest: blob.digest, load } });
      } else {
        this.#tell({ total: this.#progress.total - 1, phase: 'reading', name: source.location });
        for await (const found of remoteItems(source.location, source.path, access, signal)) {
          signal?.throwIfAborted();
          if (found.kind === 'item') this.#tell({ total: this.#progress.total + 1 });
          await this.#take(found);
        }
      }
    }
    this.#batches.check();
  }

  async result(listed: readonly string[]): Promise<IngestResult> {
    const { heapMiB } = this.#context;
    checkPaths(this.#entries);
    const { note } = checkHeap(this.#entries, heapMiB);
    const notes = [
      ...listed,
      ...this.#batches.notes,
      ...this.#notes,
      ...(note === null ? [] : [note]),
    ];
    const entries = this.#entries.map(({ heapBytes: _size, ...entry }): ManifestEntry => entry);
    const manifest: Manifest = { entries, ...(notes.length > 0 && { notes }) };
    const { digest } = await putJson(this.#store, manifest);
    return {
      manifest: digest,
      totalChars: entries.reduce((sum, { chars }) => sum + chars, 0),
      entryCount: entries.length,
      ...(notes.length > 0 && { notes: shortened(notes) }),
    };
  }

  async dispose(): Promise<void> {
    await this.#converter.dispose();
  }

  async #take(found: Found): Promise<void> {
    if (found.kind === 'note') this.#notes.push(found.note);
    else if (found.kind === 'problem') {
      this.#batches.failed(found.path, `${found.name} ${found.phrase}`, true);
    } else await this.#readItem(found.item);
  }

  async #readItem(item: Item): Promise<void> {
    this.#tell({ phase: 'reading', name: item.name });
    try {
      const known = item.digest && (await findDocument(this.#store, item.name, item.digest));
      if (known) this.#add(item, known);
      else {
        for await (const opened of openArchive(item, await item.load())) {
          if (opened.kind === 'problem') {
            this.#batches.failed(opened.path, `${opened.name} ${opened.phrase}`, true);
          } else await this.#convert(opened.loaded.item, opened.loaded.bytes);
        }
      }
    } catch (error) {
      const sentence = sentenceOf(error, item);
      if (sentence === null) throw error;
      this.#batches.failed(item.path, sentence, item.batch);
    }
    this.#tell({ done: this.#progress.done + 1 });
  }

  async #convert(item: Item, bytes: Buffer<ArrayBuffer>): Promise<void> {
    const { signal } = this.#context;
    const file = item.digest ?? (await digestOfLarge(bytes));
    this.#tell({
      phase: 'converting',
      name: item.name,
      bytes: this.#progress.bytes + bytes.length,
    });
    try {
      const known = await findDocument(this.#store, item.name, file);
      const document =
        known ??
        (await storeDocument(
          this.#store,
          item.name,
          { file, isStored: item.digest !== null },
          await this.#converter.read(item.name, bytes, {
            signal,
            onPage: (page, pages) => this.#tell({ page, pages }),
          }),
        ));
      this.#add(item, document);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.#batches.failed(item.path, `${item.name} ${error.message}`, item.batch);
    }
  }

  #add({ path, name, batch }: Item, document: { entries: StoredEntry[]; notes: string[] }): void {
    // Of many, by its place below the folder or archive.
    const own = (batch ? path.at(-1) : undefined) ?? basename(name);
    for (const entry of document.entries) {
      this.#entries.push({
        ...entry,
        path: [...path, ...entry.path],
        document: { ...entry.document, name: own.slice(-500) },
      });
    }
    this.#notes.push(...document.notes.map((note) => `${name} ${note}`));
    this.#batches.took(path);
  }

  async #blob(digest: Digest): Promise<Buffer<ArrayBuffer>> {
    const bytes = await this.#store.blobs.get(digest);
    // Its memory will move to a thread.
    return bytes.buffer instanceof ArrayBuffer
      ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      : Buffer.from(bytes);
  }

  #tell(news: Partial<IngestProgress>): void {
    const { page: _, pages: __, ...before } = this.#progress;
    this.#progress = { ...before, ...news };
    if (news.name !== undefined) this.#progress.name = news.name.slice(-300);
    this.#context.onProgress?.(this.#progress);
  }
}

/** Why a document cannot be used; null when that is no fault of the document. */
function sentenceOf(error: unknown, { name }: Item): string | null {
  if (error instanceof Unreadable) return `${name} ${error.message}`;
  return error instanceof InvalidDocument || error instanceof InvalidInput ? error.message : null;
}

/** Those that fit beside the manifest. */
function shortened(notes: readonly string[]): string[] {
  const cut = notes.map((note) =>
    note.length <= caps.NOTE_CHARS ? note : `${note.slice(0, caps.NOTE_CHARS - 1)}…`,
  );
  if (cut.length <= caps.NOTES) return cut;
  return [...cut.slice(0, caps.NOTES - 1), `and ${cut.length - caps.NOTES + 1} more`];
}
