import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { InputValue } from '../store/index.ts';
import { InvalidDocument } from './errors.ts';
import { parseJsonDocument } from './parse-json.ts';
import { type Document, documentOf, readDocument, toInvalidDocument } from './read-document.ts';

/** What a run's `input_data` will be, and what was guessed or left out on the way, a sentence each. */
export interface ReadInputs {
  value: InputValue;
  notes: string[];
}

interface Spec {
  name: string | null;
  path: string;
}

/**
 * Reads inputs as a command line gives them: `name=path`, or one `path` alone, which becomes `input_data` itself. A
 * folder becomes a dict {file name: text}, `.json` its value, `-` standard input. Throws InvalidDocument.
 */
export async function readInputs(
  specs: readonly string[],
  stdin: NodeJS.ReadableStream = process.stdin,
): Promise<ReadInputs> {
  const notes: string[] = [];
  const parsed = await Promise.all(specs.map((spec) => parseSpec(spec)));
  checkSpecs(parsed);
  const values: [string, InputValue][] = [];
  for (const { name, path } of parsed) {
    const value = path === '-' ? await readStdin(stdin, notes) : await readPath(path, notes);
    if (name === null && parsed.length === 1) return { value, notes };
    values.push([name ?? basename(path), value]);
  }
  return { value: Object.fromEntries(values), notes };
}

/** A path may hold an equals sign: what exists as it stands is a path. */
async function parseSpec(spec: string): Promise<Spec> {
  const at = spec.indexOf('=');
  if (at < 0 || (await exists(spec))) return { name: null, path: spec };
  return { name: spec.slice(0, at).trim(), path: spec.slice(at + 1) };
}

function checkSpecs(specs: readonly Spec[]): void {
  const seen = new Set<string>();
  for (const { name, path } of specs) {
    const key = name ?? basename(path);
    if (key === '' || path === '') {
      throw new InvalidDocument(`input "${name ?? ''}=${path}" is not of the form name=path`);
    }
    if (seen.has(key)) throw new InvalidDocument(`input "${key}" is given twice`);
    seen.add(key);
  }
  if (specs.filter(({ path }) => path === '-').length > 1) {
    throw new InvalidDocument('standard input (-) can be read for one input only');
  }
}

async function readPath(path: string, notes: string[]): Promise<InputValue> {
  const isFolder = await stat(path).then(
    (info) => info.isDirectory(),
    (error: unknown) => {
      throw toInvalidDocument(error, path);
    },
  );
  if (!isFolder) return valueOf(await readDocument(path), path, notes);
  const values: [string, InputValue][] = [];
  for (const name of await filesIn(path, '', notes)) {
    const file = join(path, name);
    values.push([name, valueOf(await readDocument(file), file, notes)]);
  }
  if (values.length === 0) throw new InvalidDocument(`the folder ${path} holds no files`);
  return Object.fromEntries(values);
}

/** Names of the files below a folder, relative to it, sorted. Hidden files and linked folders are left out and noted. */
async function filesIn(root: string, folder: string, notes: string[]): Promise<string[]> {
  const names: string[] = [];
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.name.startsWith('.')) notes.push(`${join(root, name)} is hidden: left out`);
    else if (entry.isDirectory()) names.push(...(await filesIn(root, name, notes)));
    else if (entry.isSymbolicLink() && (await isDirectory(join(root, name)))) {
      // It may lead back here.
      notes.push(`${join(root, name)} is a link to a folder: left out`);
    } else names.push(name);
  }
  return names;
}

async function readStdin(stdin: NodeJS.ReadableStream, notes: string[]): Promise<InputValue> {
  const bytes = await buffer(stdin);
  if (bytes.length === 0) throw new InvalidDocument('standard input is empty');
  return valueOf(documentOf('standard input', bytes), '-', notes);
}

function valueOf(document: Document, path: string, notes: string[]): InputValue {
  if (document.note !== null) notes.push(document.note);
  if (extname(path).toLowerCase() !== '.json') return document.text;
  try {
    return parseJsonDocument(document.text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidDocument(`${path} is not valid JSON: ${reason}`);
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

async function isDirectory(path: string): Promise<boolean> {
  return await stat(path).then(
    (info) => info.isDirectory(),
    () => false,
  );
}
