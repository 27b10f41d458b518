/**
 * Adds to package-lock.json the optional packages of other platforms that `npm install` left out because the registry in
 * use does not serve them: without their entries `npm ci` refuses the whole file, on every platform. Run it after
 * `npm install` when `npm ci` says "Missing: … from lock file". Changes nothing else; running it twice changes nothing.
 */
import { readFileSync, writeFileSync } from 'node:fs';

const OS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const CPU = ['arm64', 'arm', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64'];

/** What a package's name says of the platform that it is for, as npm's own entries do. */
function platformOf(name) {
  const parts = name.split('/').at(-1).split('-');
  const os = OS.find((value) => parts.includes(value));
  const cpu = CPU.find((value) => parts.includes(value));
  if (os === undefined || cpu === undefined) return null;
  if (os !== 'linux') return { cpu: [cpu], os: [os] };
  const libc = parts.some((part) => part.startsWith('musl')) ? 'musl' : 'glibc';
  return { cpu: [cpu], libc: [libc], os: [os] };
}

const path = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(path, 'utf8'));
const added = [];
for (const [parent, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    const isThere = key in lock.packages || `${parent}/${key}` in lock.packages;
    const platform = platformOf(name);
    if (isThere || platform === null || !/^\d/.test(version)) continue;
    lock.packages[key] = {
      version,
      ...platform,
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
    };
    added.push(name);
  }
}
const sorted = Object.entries(lock.packages).toSorted(([a], [b]) => a.localeCompare(b, 'en'));
lock.packages = Object.fromEntries(sorted);
if (added.length > 0) writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`added ${added.length} entries${added.length > 0 ? `: ${added.join(', ')}` : ''}`);
