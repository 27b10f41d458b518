import { readFileSync } from 'node:fs';
import { arch, cpus, platform, totalmem } from 'node:os';
import { z } from 'zod';

/** What figures depend on and a reader needs to compare them. Names no host and no user. */
export function machine(): Record<string, string | number> {
  const cores = cpus();
  return {
    platform: platform(),
    arch: arch(),
    cores: cores.length,
    cpu: cores[0]?.model ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
  };
}

/** Versions of what is measured: the project, Node and the packages that do the work. */
export function versions(): Record<string, string> {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const { version, dependencies } = Manifest.parse(JSON.parse(text));
  const measured = ['@temporalio/worker', 'isolated-vm', 'pyodide', 'openai'];
  return {
    'durable-rlm': version,
    node: process.versions.node,
    ...Object.fromEntries(measured.map((name) => [name, dependencies[name] ?? 'none'])),
  };
}

const Manifest = z.object({
  version: z.string(),
  dependencies: z.record(z.string(), z.string()),
});
