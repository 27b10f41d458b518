import { access, constants, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  FileBytes,
  InvalidInput,
  type InputValue,
  isRemoteLocation,
  listLocalFiles,
  LocalFiles,
  MAX_FILE_BYTES,
  RemoteFiles,
} from '../store/index.ts';
import { CliError } from './cli-error.ts';

interface Spec {
  name: string | null;
  location: string;
}

/**
 * Inputs as a command line gives them: `name=location`, or one `location` alone, which becomes `input_data` itself. A
 * location is a file, a folder or glob pattern (a dict of its files), `-` for standard input, or what a worker fetches
 * (`s3://`, `https://`, `worker:`). Files are found now, so that a wrong name starts no server. Throws CliError.
 */
export async function readInputs(
  specs: readonly string[],
  stdin: AsyncIterable<Uint8Array> = process.stdin,
): Promise<InputValue> {
  try {
    const parsed = await Promise.all(specs.map((spec) => parseSpec(spec)));
    checkSpecs(parsed);
    const values: [string, InputValue][] = [];
    for (const { name, location } of parsed) {
      const value = await valueOf(location, stdin);
      if (name === null && parsed.length === 1) return value;
      values.push([name ?? basename(location), value]);
    }
    return Object.fromEntries(values);
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    throw new CliError(`${error.message}: check --input.`, { cause: error });
  }
}

/** A path may hold an equals sign, and so may an address: what exists as it stands is a path. */
async function parseSpec(spec: string): Promise<Spec> {
  const at = spec.indexOf('=');
  const whole = at < 0 || isRemoteLocation(spec) || (await exists(spec));
  if (whole) return { name: null, location: spec };
  return { name: spec.slice(0, at).trim(), location: spec.slice(at + 1) };
}

function checkSpecs(specs: readonly Spec[]): void {
  const seen = new Set<string>();
  for (const { name, location } of specs) {
    const key = name ?? basename(location);
    if (key === '' || location === '') {
      throw new InvalidInput(`input "${name ?? ''}=${location}" is not of the form name=path`);
    }
    if (seen.has(key)) throw new InvalidInput(`input "${key}" is given twice`);
    seen.add(key);
  }
  if (specs.filter(({ location }) => location === '-').length > 1) {
    throw new InvalidInput('standard input (-) can be read for one input only');
  }
}

async function valueOf(location: string, stdin: AsyncIterable<Uint8Array>): Promise<InputValue> {
  if (location === '-') return new FileBytes('standard input', await readStdin(stdin));
  if (isRemoteLocation(location)) return new RemoteFiles(location);
  const { single, files } = await listLocalFiles(location);
  const [file] = files;
  if (single && file !== undefined) {
    await access(file.path, constants.R_OK).catch(() => {
      throw new InvalidInput(`${file.path} cannot be read: no permission`);
    });
    if (file.sizeBytes > MAX_FILE_BYTES) {
      throw new InvalidInput(
        `${file.path} has ${megabytes(file.sizeBytes)} MB: one object of the REPL may have 2 GiB (2,147 MB), split the file`,
      );
    }
  }
  return new LocalFiles(location);
}

async function readStdin(stdin: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of stdin) {
    size += part.length;
    if (size > MAX_FILE_BYTES) {
      throw new InvalidInput('standard input has more than 2 GiB (2,147 MB): split it');
    }
    parts.push(part);
  }
  if (size === 0) throw new InvalidInput('standard input is empty');
  return Buffer.concat(parts);
}

function megabytes(bytes: number): string {
  return Math.ceil(bytes / 1e6).toLocaleString('en');
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
