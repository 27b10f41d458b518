import type { InputSource, ManifestEntry, SourceList } from '../protocol/index.ts';
import { InvalidInput } from './errors.ts';
import { FileBytes, type InputFiles, isInputFiles, LocalFiles } from './input-files.ts';
import { canBeListed, type InputValue, isDict, uploadInputs } from './inputs.ts';
import { putJson } from './json.ts';
import { listLocalFiles, type LocalListing, readLocalFile } from './local-files.ts';
import type { Store } from './store.ts';

/** What a spec says of a run's inputs. */
export interface UploadedInputs {
  inputs: ManifestEntry[];
  sources?: SourceList;
}

interface Place {
  path: string[];
  /** What to upload, listed already. */
  value: InputValue | Listed | Exclude<InputFiles, LocalFiles>;
}

class Listed {
  readonly listing: LocalListing;

  constructor(listing: LocalListing) {
    this.listing = listing;
  }
}

const MAX_NAME_CHARS = 500;

/**
 * Stores a request's input: values as Python gets them, files as they are, for `ingest` to read. All files are found
 * before the first is stored. A file of a folder or pattern that cannot be read is noted, unless `strict`. Throws
 * InvalidInput, which names the place or file.
 */
export async function uploadRequestInputs(
  store: Store,
  value: InputValue,
  strict = false,
): Promise<UploadedInputs> {
  if (!holdsFiles(value)) return { inputs: await uploadInputs(store, value) };
  const places = await Promise.all(placesOf(value, []).map((place) => listed(place)));
  const sources: InputSource[] = [];
  const notes: string[] = [];
  let sizeBytes = 0;
  const upload = async (
    path: string[],
    name: string,
    bytes: Uint8Array,
    batch: boolean,
  ): Promise<void> => {
    const blob = await store.blobs.put(bytes);
    sizeBytes += blob.sizeBytes;
    sources.push({ kind: 'upload', path, name, blob, ...(batch && { batch }) });
  };
  for (const { path, value: one } of places) {
    if (one instanceof FileBytes) await upload(path, one.name, one.bytes, false);
    else if (one instanceof Listed) {
      const { single, files, notes: left } = one.listing;
      notes.push(...left);
      let taken = 0;
      let problem: unknown;
      for (const file of files) {
        try {
          const name = checkedName(file.name);
          const bytes = await readLocalFile(file);
          await upload(single ? path : [...path, name], single ? name : file.path, bytes, !single);
          taken += 1;
        } catch (error) {
          if (single || strict || !(error instanceof InvalidInput)) throw error;
          problem ??= error;
          notes.push(`${error.message}: left out`);
        }
      }
      if (taken === 0) throw problem;
    } else if (isInputFiles(one)) {
      sources.push({ kind: 'remote', path, location: one.location });
    } else {
      for (const entry of await uploadInputs(store, one)) {
        sources.push({ kind: 'stored', entry: { ...entry, path: [...path, ...entry.path] } });
      }
    }
  }
  const { digest } = await putJson(store, {
    sources,
    ...(strict && { strict }),
    ...(notes.length > 0 && { notes }),
  });
  const known = sources
    .slice(0, LISTED)
    .map((source) => nameOf(source).slice(0, LISTED_CHARS).toWellFormed());
  const list = { list: digest, count: sources.length, sizeBytes, listed: known };
  return { inputs: [], sources: list };
}

/** Sources that the Web UI shows, and of each of them. */
const LISTED = 30;
const LISTED_CHARS = 300;

function nameOf(source: InputSource): string {
  if (source.kind === 'stored') {
    const { path, format, chars } = source.entry;
    return `${placeOf(path)}: ${format}, ${chars.toLocaleString('en')} chars`;
  }
  const from = source.kind === 'upload' ? source.name : source.location;
  return `${placeOf(source.path)}: ${from}`;
}

function placeOf(path: readonly string[]): string {
  return `input_data${path.map((key) => `["${key}"]`).join('')}`;
}

/** Files may stand where a value may, in dicts of any depth. */
function holdsFiles(value: InputValue): boolean {
  if (isInputFiles(value)) return true;
  if (Array.isArray(value)) {
    const items: readonly InputValue[] = value;
    if (items.some((item) => holdsFiles(item))) {
      throw new InvalidInput('input: a list cannot hold files; put them into a dict, by name');
    }
    return false;
  }
  return isDict(value) && Object.values(value).some((item) => holdsFiles(item));
}

interface Found {
  path: string[];
  value: InputValue;
}

function placesOf(value: InputValue, path: string[]): Found[] {
  if (!isDict(value) || !holdsFiles(value)) return [{ path, value }];
  if (path.length >= 6 || !canBeListed(value)) {
    throw new InvalidInput(
      `${['input', ...path].join('.')}: a dict that holds files needs names of 1 to 500 characters, six deep at most`,
    );
  }
  return Object.entries(value).flatMap(([key, item]) => placesOf(item, [...path, key]));
}

async function listed({ path, value }: Found): Promise<Place> {
  return value instanceof LocalFiles
    ? { path, value: new Listed(await listLocalFiles(value.location)) }
    : { path, value };
}

function checkedName(name: string): string {
  if (name.length > MAX_NAME_CHARS) {
    throw new InvalidInput(
      `${name.slice(0, 80)}… has a path of more than ${MAX_NAME_CHARS} characters`,
    );
  }
  return name.toWellFormed();
}
