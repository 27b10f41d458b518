import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { checkWheels, InvalidInput, type Wheel } from '../store/index.ts';
import { CliError, EXIT } from './cli-error.ts';

/** The wheels that `--package` names, checked: a wrong one must not start a server. Throws CliError, which names the file. */
export async function readPackages(paths: readonly string[] = []): Promise<Wheel[]> {
  const wheels = await Promise.all(
    paths.map(async (path) => ({ file: basename(path), bytes: await readWheelFile(path) })),
  );
  try {
    await checkWheels(wheels);
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    throw new CliError(`--package: ${error.message}.`, { exitCode: EXIT.usage, cause: error });
  }
  return wheels;
}

async function readWheelFile(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new CliError(`There is no file ${path} that can be read: check --package.`, {
      exitCode: EXIT.usage,
      cause: error,
    });
  }
}
