/** Makes `dist/`, what is published: each room compiled, with the files beside its sources that it reads when it runs. */
import { execFileSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CONFIG = join(ROOT, 'tsconfig.build.json');
const TARGET = join(ROOT, 'dist');
/** Swapped in when it is whole, so that a build that fails leaves the last one. */
const FRESH = join(ROOT, 'dist.new');

const { include: rooms } = JSON.parse(readFileSync(CONFIG, 'utf8'));

rmSync(FRESH, { recursive: true, force: true });
try {
  execFileSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', CONFIG, '--outDir', FRESH], {
    cwd: ROOT,
    stdio: 'inherit',
  });
} catch {
  console.error('build: the sources do not compile');
  rmSync(FRESH, { recursive: true, force: true });
  process.exit(1);
}
const assets = rooms.flatMap((room) => assetsUnder(room));
for (const path of assets) cpSync(join(ROOT, path), join(FRESH, path));
rmSync(TARGET, { recursive: true, force: true });
renameSync(FRESH, TARGET);
console.log(`dist/: ${rooms.length} rooms, ${assets.length} files beside the code`);

/** Everything but TypeScript: Python, WebAssembly, prompts, the isolate's own JavaScript. */
function assetsUnder(folder) {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return basename(path) === '__pycache__' ? [] : assetsUnder(path);
    return path.endsWith('.ts') ? [] : [path];
  });
}
