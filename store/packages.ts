import { fromBufferPromise, type ZipFile } from 'yauzl';
import { text } from 'node:stream/consumers';
import { caps, type PackageRef } from '../protocol/index.ts';
import { InvalidInput } from './errors.ts';
import type { Store } from './store.ts';

/** A wheel as a caller has it: the name of its file says for which Pythons and machines it is. */
export interface Wheel {
  file: string;
  bytes: Uint8Array;
}

/** What a wheel says of itself. */
export interface WheelContent {
  name: string;
  version: string;
  /** Names that can be imported, the first `caps.LISTED_MODULES` of them. */
  modules: string[];
}

const FILE_NAME =
  /^(?<name>[\w.]+)-(?<version>[\w.!+]+)(?:-\d\w*)?-(?<python>[\w.]+)-(?<abi>[\w.]+)-(?<platform>[\w.]+)\.whl$/;
/** Of Python 3, in any of its releases. */
const PYTHON_3 = /^(?:py3\d*|cp3\d+)$/;
const NATIVE = /\.(?:so(?:\.\d+)*|pyd|dylib|dll)$/i;
const PURE_ONLY = 'only pure-Python wheels (…-none-any.whl) can be used';
/** A module, or a file of a package. */
const IMPORTABLE = /^([A-Za-z_]\w*)(?:\/.*)?\.py$/;

/** Stores wheels as they are. Throws InvalidInput, as `checkWheels` does; then nothing was stored. */
export async function uploadPackages(
  store: Store,
  wheels: readonly Wheel[],
): Promise<PackageRef[]> {
  await checkWheels(wheels);
  const refs: PackageRef[] = [];
  for (const { file, bytes } of wheels) refs.push({ file, blob: await store.blobs.put(bytes) });
  return refs;
}

/** Throws InvalidInput, which names the file, for a wheel that cannot be used (see `readWheel`), and for two of one package. */
export async function checkWheels(wheels: readonly Wheel[]): Promise<void> {
  const files = new Map<string, string>();
  for (const { file, bytes } of wheels) {
    const name = normalised((await readWheel(file, bytes)).name);
    const other = files.get(name);
    if (other !== undefined) throw new InvalidInput(`${other} and ${file} are one package, twice`);
    files.set(name, file);
  }
}

/**
 * What a wheel holds. Throws InvalidInput, which names the file, for one that is damaged, is made for another Python,
 * or holds native code: by its name, by what it says of itself, or by a file in it.
 */
export async function readWheel(file: string, bytes: Uint8Array): Promise<WheelContent> {
  const { name, version } = checkName(file);
  if (bytes.length > caps.WHEEL_BYTES) {
    throw new InvalidInput(
      `${file} has ${bytes.length} bytes, a wheel may have ${caps.WHEEL_BYTES}`,
    );
  }
  try {
    const zip = await fromBufferPromise(Buffer.from(bytes), { lazyEntries: true });
    return { name, version, modules: await readEntries(file, zip) };
  } catch (error) {
    if (error instanceof InvalidInput) throw error;
    throw new InvalidInput(
      `${file} is no wheel: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function checkName(file: string): { name: string; version: string } {
  const parts = FILE_NAME.exec(file)?.groups;
  if (parts === undefined || file.length > caps.WHEEL_NAME_CHARS) {
    throw new InvalidInput(
      `"${file.slice(0, caps.WHEEL_NAME_CHARS)}" is no name of a wheel: expected name-version-py3-none-any.whl`,
    );
  }
  const { name = '', version = '', python = '', abi = '', platform = '' } = parts;
  if (abi !== 'none' || platform !== 'any') {
    throw new InvalidInput(
      `${file} holds native code, by its name for ${abi}-${platform}: ${PURE_ONLY}`,
    );
  }
  if (!python.split('.').some((tag) => PYTHON_3.test(tag))) {
    throw new InvalidInput(`${file} is for ${python}: the REPL is Python 3`);
  }
  return { name, version };
}

async function readEntries(file: string, zip: ZipFile): Promise<string[]> {
  const modules = new Set<string>();
  let size = 0;
  let metadata: string | undefined;
  if (zip.entryCount > caps.WHEEL_FILES) {
    throw new InvalidInput(
      `${file} has ${zip.entryCount} files, a wheel may have ${caps.WHEEL_FILES}`,
    );
  }
  for await (const entry of zip.eachEntry()) {
    const { fileName } = entry;
    if (NATIVE.test(fileName)) {
      throw new InvalidInput(`${file} holds native code (${fileName}): ${PURE_ONLY}`);
    }
    size += entry.uncompressedSize;
    if (size > caps.WHEEL_FILES_BYTES) {
      throw new InvalidInput(
        `${file} unpacks to more than ${caps.WHEEL_FILES_BYTES} bytes, which is the most that a wheel may have`,
      );
    }
    if (/^[^/]+\.dist-info\/WHEEL$/.test(fileName) && entry.uncompressedSize < 64 * 1024) {
      metadata = await text(await zip.openReadStreamPromise(entry));
    }
    const place = fileName.replace(/^[^/]+\.data\/(?:pure|plat)lib\//, '');
    const importable = IMPORTABLE.exec(place)?.[1];
    if (importable !== undefined) modules.add(importable.slice(0, caps.MODULE_NAME_CHARS));
  }
  if (metadata === undefined) throw new InvalidInput(`${file} is no wheel: it has no WHEEL file`);
  if (/^Root-Is-Purelib:\s*false/im.test(metadata)) {
    throw new InvalidInput(`${file} holds native code, as its WHEEL file says: ${PURE_ONLY}`);
  }
  return [...modules].slice(0, caps.LISTED_MODULES);
}

function normalised(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}
