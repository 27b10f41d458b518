/**
 * Makes a fresh clone ready: packages, the Temporal CLI, the kernel's base image. Runs on any Node >= 20 before anything
 * is installed, so it uses Node alone. Running it again costs a look at a stamp; running it twice at once, a wait.
 *
 *   node scripts/setup.mjs [--debug]
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const MODULES = join(ROOT, 'node_modules');
const PINNED_NODE = join(MODULES, '.bin', 'node');
/** In node_modules, so that it goes with what it describes. */
const STAMP = join(MODULES, '.durable-rlm-setup.json');
const LOCK = join(ROOT, '.rlm', 'setup.lock');
const OLDEST_NODE = 20;
/** What decides over the prepared parts: when one of these changes, they are looked at again. */
const PREPARED_FROM = [
  'repl',
  'scripts/prepare.ts',
  'worker/temporal-cli.ts',
  'worker/temporal-cli-cache.ts',
];

const debug = process.argv.includes('--debug') || process.env.RLM_DEBUG === '1';

class SetupError extends Error {}

async function main() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < OLDEST_NODE) {
    throw new SetupError(
      `Node ${OLDEST_NODE} or later is needed and this is ${process.versions.node}: install one from https://nodejs.org and try again.`,
    );
  }
  if (isReady()) return;
  await withLock(async () => {
    const start = Date.now();
    await installPackages();
    checkPinnedNode();
    await prepare();
    // The demo shows where its time went, this part included.
    writeStamp({ ...readStamp(), tookMs: Date.now() - start, endedAtMs: Date.now() });
    say(`ready after ${seconds(start)}`);
  });
}

/** True when the last set-up was of these very inputs and what it made is still there. */
function isReady() {
  const stamp = readStamp();
  return (
    stamp.packages === packagesKey() &&
    stamp.prepared === preparedKey() &&
    existsSync(PINNED_NODE) &&
    stamp.artifacts.every((path) => existsSync(path))
  );
}

async function installPackages() {
  const key = packagesKey();
  if (readStamp().packages === key && existsSync(PINNED_NODE)) return;
  if (!isInstalled()) {
    const start = Date.now();
    say('installing packages (npm ci), a minute or two on a cold cache');
    await runNpm(['ci', '--no-audit', '--no-fund', '--loglevel=error']);
    say(`packages installed in ${seconds(start)}`);
  }
  writeStamp({ packages: key, prepared: '', artifacts: [] });
}

/** True when node_modules holds exactly what package-lock.json says, for instance after somebody's own `npm ci`. */
function isInstalled() {
  const wanted = readJson(join(ROOT, 'package-lock.json'))?.packages;
  const found = readJson(join(MODULES, '.package-lock.json'))?.packages;
  if (!wanted || !found || !pinnedNodeRuns()) return false;
  for (const [path, entry] of Object.entries(wanted)) {
    // Optional packages for other platforms are not installed.
    if (path === '' || (entry.optional && !found[path])) continue;
    if (found[path]?.version !== entry.version || !existsSync(join(ROOT, path))) return false;
  }
  return Object.keys(found).every((path) => path in wanted);
}

async function runNpm(args) {
  // npm ci removes node_modules: it must not run by the Node in there, nor must this script's children.
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.startsWith(MODULES) && !folder.includes('node_modules/.bin'))
    .join(delimiter);
  const { code, output, missing } = await run('npm', args, { ...process.env, PATH: path });
  if (missing)
    throw new SetupError(
      'npm was not found on PATH: install Node with npm from https://nodejs.org.',
    );
  if (code === 0) return;
  const why = output
    .split('\n')
    .filter((line) => /^npm (error|ERR!)/.test(line))
    .map((line) => line.replace(/^npm (error|ERR!)\s*(code )?/, ''))
    .filter((line) => line !== '' && !line.includes('complete log'))
    .slice(0, 3)
    .join('; ');
  throw new SetupError(
    `npm ci failed (${why || `exit code ${code}`}): see it whole with --debug, or run "npm ci".`,
  );
}

/** The pinned Node comes from an npm package by its install script. */
function checkPinnedNode() {
  if (pinnedNodeRuns()) return;
  rmSync(STAMP, { force: true });
  throw new SetupError(
    'The Node that this project pins does not run: install scripts of npm packages must be allowed (npm config get ignore-scripts), then run "npm ci".',
  );
}

function pinnedNodeRuns() {
  return spawnSync(PINNED_NODE, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Temporal CLI and base image, by the project's own code. It prints its progress and, last, what it made. */
async function prepare() {
  const stamp = readStamp();
  const key = preparedKey();
  // The pinned Node downloads by the machine's proxy settings, as npm and pip do.
  const env = { ...process.env, NODE_USE_ENV_PROXY: '1' };
  const script = [join(ROOT, 'scripts', 'prepare.ts'), ...(debug ? ['--debug'] : [])];
  const { code, output } = await run(PINNED_NODE, script, env, 'progress');
  if (code !== 0) process.exit(code ?? 1);
  const { artifacts } = JSON.parse(output.trim().split('\n').at(-1));
  writeStamp({ ...stamp, prepared: key, artifacts });
}

/** Runs a program to its end. Its stdout is kept; its stderr too, unless it is `progress` for people to see. */
async function run(command, args, env, stderr = 'keep') {
  return await new Promise((resolve) => {
    const show = stderr === 'progress' || debug;
    const child = spawn(command, args, {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', show ? 'inherit' : 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk) => (output += chunk));
    child.once('error', () => resolve({ code: null, output, missing: true }));
    child.once('close', (code) => resolve({ code, output, missing: false }));
  });
}

/** One set-up at a time in a clone. The lock of a process that died is taken over. */
async function withLock(work) {
  mkdirSync(dirname(LOCK), { recursive: true });
  let told = false;
  while (!tryLock()) {
    const holder = lockHolder();
    if (holder !== null && !isAlive(holder)) rmSync(LOCK, { force: true });
    else if (!told) say(`waiting for another set-up (process ${holder})`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  try {
    if (!isReady()) await work();
  } finally {
    rmSync(LOCK, { force: true });
  }
}

function tryLock() {
  // Linked into place with its content, so that nobody reads an empty lock.
  const mine = `${LOCK}.${process.pid}`;
  try {
    writeFileSync(mine, String(process.pid));
    linkSync(mine, LOCK);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw new SetupError(
      `${LOCK} cannot be written (${error.code}): this user needs write access to the clone.`,
    );
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Null when the lock has gone meanwhile. */
function lockHolder() {
  try {
    return Number(readFileSync(LOCK, 'utf8'));
  } catch {
    return null;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function packagesKey() {
  const lock = readFileSync(join(ROOT, 'package-lock.json'));
  return digest([lock, `${process.platform}-${process.arch}`]);
}

function preparedKey() {
  const {
    RLM_CACHE_DIR = '',
    XDG_CACHE_HOME = '',
    HOME = '',
    TEMPORAL_CLI_PATH = '',
  } = process.env;
  const files = PREPARED_FROM.flatMap((path) => filesUnder(join(ROOT, path)));
  const contents = files.flatMap((path) => [relative(ROOT, path), readFileSync(path)]);
  return digest([
    packagesKey(),
    RLM_CACHE_DIR,
    XDG_CACHE_HOME,
    HOME,
    TEMPORAL_CLI_PATH,
    ...contents,
  ]);
}

function filesUnder(path) {
  if (!existsSync(path)) return [];
  const entries = readdirSync(dirname(path), { withFileTypes: true });
  if (entries.find((entry) => join(dirname(path), entry.name) === path)?.isFile()) return [path];
  return readdirSync(path)
    .filter((name) => name !== '__pycache__')
    .toSorted()
    .flatMap((name) => filesUnder(join(path, name)));
}

function digest(parts) {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
}

function readStamp() {
  const stamp = readJson(STAMP);
  return {
    packages: '',
    prepared: '',
    ...stamp,
    artifacts: Array.isArray(stamp?.artifacts) ? stamp.artifacts : [],
  };
}

function writeStamp(stamp) {
  writeFileSync(`${STAMP}.new`, `${JSON.stringify(stamp)}\n`);
  renameSync(`${STAMP}.new`, STAMP);
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

function seconds(start) {
  return `${((Date.now() - start) / 1000).toFixed(1)} s`;
}

function say(line) {
  process.stderr.write(`set-up: ${line}\n`);
}

try {
  await main();
} catch (error) {
  const known = error instanceof SetupError;
  say(
    known
      ? error.message
      : `failed in a way that nobody foresaw: ${error.message} (--debug shows where)`,
  );
  if (debug) console.error(error);
  process.exitCode = 1;
}
