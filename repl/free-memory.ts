import { readFile } from 'node:fs/promises';

const MIB = 2 ** 20;

/** Files that say how much memory is left, by what they are: the machine's, and the container's as cgroup 2 or 1 has it. */
export interface MemoryFiles {
  machine: string;
  containers: ReadonlyArray<{ limit: string; used: string; stat: string; reclaimable: string }>;
}

const LINUX: MemoryFiles = {
  machine: '/proc/meminfo',
  containers: [
    {
      limit: '/sys/fs/cgroup/memory.max',
      used: '/sys/fs/cgroup/memory.current',
      stat: '/sys/fs/cgroup/memory.stat',
      reclaimable: 'inactive_file',
    },
    {
      limit: '/sys/fs/cgroup/memory/memory.limit_in_bytes',
      used: '/sys/fs/cgroup/memory/memory.usage_in_bytes',
      stat: '/sys/fs/cgroup/memory/memory.stat',
      reclaimable: 'total_inactive_file',
    },
  ],
};

/**
 * Memory that can still be taken before something is killed, in MiB: of the machine, or of the container when it has less.
 * What the page cache holds counts as free. Infinity where the system does not say.
 */
export async function freeMemoryMiB(files: MemoryFiles = LINUX): Promise<number> {
  const left = await Promise.all([
    machineMiB(files.machine),
    ...files.containers.map(containerMiB),
  ]);
  return Math.min(...left);
}

async function machineMiB(file: string): Promise<number> {
  const kib = Number(/^MemAvailable:\s+(\d+)/m.exec(await textOf(file))?.[1] ?? Infinity);
  return kib / 1024;
}

async function containerMiB({
  limit,
  used,
  stat,
  reclaimable,
}: MemoryFiles['containers'][number]): Promise<number> {
  const [most, now, lines] = await Promise.all([textOf(limit), textOf(used), textOf(stat)]);
  // `max`, or no such file: no limit.
  const bytes = Number.parseInt(most, 10);
  const taken = Number.parseInt(now, 10);
  if (!Number.isFinite(bytes) || !Number.isFinite(taken)) return Infinity;
  const cache = Number(new RegExp(`^${reclaimable} (\\d+)`, 'm').exec(lines)?.[1] ?? 0);
  return (bytes - taken + cache) / MIB;
}

async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}
