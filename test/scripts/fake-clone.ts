import { execFile, type ChildProcess } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A clone with the real set-up script, an `npm` that only notes what it was asked, and a `prepare.ts` that makes one file. */
export interface FakeClone {
  root: string;
  /** What npm and prepare.ts were asked, in order. */
  calls(): Promise<string[]>;
  setUp(env?: NodeJS.ProcessEnv): Promise<Outcome>;
  /** As `setUp`, for a test that kills it. */
  start(env?: NodeJS.ProcessEnv): ChildProcess;
  setLock(version: string): Promise<void>;
  removeArtifact(): Promise<void>;
}

export interface Outcome {
  code: number;
  output: string;
}

const SCRIPTS = join(import.meta.dirname, '..', '..', 'scripts');

export async function fakeClone(root: string): Promise<FakeClone> {
  const log = join(root, 'calls');
  const artifact = join(root, 'artifact');
  await mkdir(join(root, 'scripts'));
  await mkdir(join(root, 'bin'));
  await copyFile(join(SCRIPTS, 'setup.mjs'), join(root, 'scripts', 'setup.mjs'));
  await writeFile(join(root, 'scripts', 'prepare.ts'), prepareScript(log, artifact));
  await writeFile(join(root, 'bin', 'npm'), npmScript(root, log));
  await chmod(join(root, 'bin', 'npm'), 0o755);
  await writeFile(log, '');

  const start = (env: NodeJS.ProcessEnv = {}): ChildProcess =>
    execFile(process.execPath, [join(root, 'scripts', 'setup.mjs')], {
      env: { PATH: `${join(root, 'bin')}:/usr/bin:/bin`, ...env },
    });
  const clone: FakeClone = {
    root,
    start,
    calls: async () => (await readFile(log, 'utf8')).trim().split('\n').filter(Boolean),
    setUp: async (env) => await outcomeOf(start(env)),
    setLock: async (version) => {
      const packages = { '': {}, 'node_modules/thing': { version } };
      await writeFile(join(root, 'package-lock.json'), JSON.stringify({ packages }));
    },
    removeArtifact: async () => await rm(artifact),
  };
  await clone.setLock('1.0.0');
  return clone;
}

async function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let output = '';
  child.stdout?.on('data', (text: string) => (output += text));
  child.stderr?.on('data', (text: string) => (output += text));
  return await new Promise((resolve) => {
    child.once('close', (code) => resolve({ code: code ?? -1, output }));
  });
}

function prepareScript(log: string, artifact: string): string {
  return [
    `import { appendFileSync, writeFileSync } from 'node:fs';`,
    `appendFileSync(${JSON.stringify(log)}, 'prepare\\n');`,
    `writeFileSync(${JSON.stringify(artifact)}, '');`,
    `console.error('set-up: made an artifact');`,
    `console.log(JSON.stringify({ artifacts: [${JSON.stringify(artifact)}] }));`,
  ].join('\n');
}

/** FAKE_NPM=fail: an npm error. FAKE_NPM=hang: stops half-way until it is killed. FAKE_NPM=no-scripts: leaves no pinned Node. */
function npmScript(root: string, log: string): string {
  const modules = join(root, 'node_modules');
  return `#!/bin/sh
echo "npm $1" >> "${log}"
if [ "$FAKE_NPM" = fail ]; then
  echo "npm error code E404" >&2
  echo "npm error 404 Not Found - thing" >&2
  echo "npm error A complete log of this run can be found in: /x" >&2
  exit 1
fi
rm -rf "${modules}"
mkdir -p "${modules}/.bin" "${modules}/thing"
if [ "$FAKE_NPM" = hang ]; then echo half-way; exec sleep 5; fi
if [ "$FAKE_NPM" = no-scripts ]; then printf '#!/bin/sh\\nexit 127\\n' > "${modules}/.bin/node"; chmod 755 "${modules}/.bin/node"
else ln -s "${process.execPath}" "${modules}/.bin/node"; fi
cp "${root}/package-lock.json" "${modules}/.package-lock.json"
`;
}
