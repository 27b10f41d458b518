import { readdir, readFile } from 'node:fs/promises';

/** One process of this machine, from /proc. */
export interface ProcessEntry {
  pid: number;
  parent: number;
  command: string;
}

/** All processes that can be seen. Linux only. */
export async function listProcesses(): Promise<ProcessEntry[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const entries = await Promise.all(pids.map((pid) => entryOf(Number(pid))));
  return entries.filter((entry) => entry !== null);
}

async function entryOf(pid: number): Promise<ProcessEntry | null> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may hold anything, brackets too.
    const [state = '', parent = '0'] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z') return null;
    const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
    return { pid, parent: Number(parent), command };
  } catch {
    // It ended meanwhile.
    return null;
  }
}

/** Kernel hosts of a worker. */
export async function kernelHostsOf(worker: number): Promise<number[]> {
  const all = await listProcesses();
  return all
    .filter(({ parent, command }) => parent === worker && command.includes('/repl/host/main.'))
    .map(({ pid }) => pid);
}

/** A process and everything that it started. */
export async function treeOf(root: number): Promise<ProcessEntry[]> {
  const all = await listProcesses();
  const tree = all.filter(({ pid }) => pid === root);
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid));
  return tree;
}

/** Memory of a process in KiB, with what it shares counted once among those that share it; 0 when it is gone. */
export async function memoryKiB(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0);
}

/** Sends a signal unless the process has ended. */
export function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
