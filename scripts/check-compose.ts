/**
 * Checks docker-compose.yml against the compose schema, without Docker, by the PyPI package check-jsonschema. It is
 * installed once into a virtual environment of the cache directory.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadWorkerConfig } from '../worker/config.ts';

const VERSION = '0.39.0';
const COMPOSE_FILE = fileURLToPath(new URL('../docker-compose.yml', import.meta.url));

/** The tool's Python; installed under another name first, so that half an installation is not taken for one. */
function toolPython(): string {
  const { cacheDir } = loadWorkerConfig(process.env);
  const folder = join(cacheDir, `check-jsonschema-${VERSION}`);
  const python = join(folder, 'bin', 'python');
  if (existsSync(python)) return python;
  const fresh = `${folder}.${process.pid}`;
  mkdirSync(dirname(fresh), { recursive: true });
  console.log(`installing check-jsonschema ${VERSION}`);
  execFileSync('python3', ['-m', 'venv', fresh], { stdio: 'inherit' });
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  execFileSync(join(fresh, 'bin', 'python'), [...pip, `check-jsonschema==${VERSION}`], {
    stdio: 'inherit',
  });
  rmSync(folder, { recursive: true, force: true });
  renameSync(fresh, folder);
  return python;
}

try {
  const schema = ['--builtin-schema', 'vendor.compose-spec', COMPOSE_FILE];
  execFileSync(toolPython(), ['-m', 'check_jsonschema', ...schema], { stdio: 'inherit' });
} catch (error) {
  console.error(`docker-compose.yml: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
