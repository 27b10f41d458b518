import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChaosWorld } from './chaos-world.ts';
import type { Crew } from './crew.ts';
import type { Planned } from './plan.ts';

/** A disturbance that was made. */
export interface Disturbance extends Planned {
  fromMs: number;
  untilMs: number;
  /** What it met, for people: process ids, connections. */
  detail: string;
  /** Keys of the workers that it killed. */
  killedKeys: string[];
  /** False when there was nothing to disturb, as no worker ran just then: it counts for nothing. */
  met: boolean;
}

const LOOK_MS = 20;

/** Makes the planned disturbances as a run goes on; those whose moment never comes are not made. */
export async function disturb(
  world: ChaosWorld,
  plan: readonly Planned[],
  calls: number,
  run: { ended: boolean; onDone: (done: Disturbance) => void },
): Promise<Disturbance[]> {
  const done: Disturbance[] = [];
  // Read again: the run ends meanwhile.
  const hasEnded = (): boolean => run.ended;
  for (const planned of plan) {
    while (!hasEnded() && distinctPrompts(world) < planned.after * calls) await sleep(LOOK_MS);
    await sleep(planned.delayMs);
    if (hasEnded()) break;
    const fromMs = Date.now();
    const { detail, killedKeys = [], met = true } = await ACTIONS[planned.kind](world, planned);
    const disturbance = { ...planned, fromMs, untilMs: Date.now(), detail, killedKeys, met };
    done.push(disturbance);
    run.onDone(disturbance);
  }
  return done;
}

function distinctPrompts({ model }: ChaosWorld): number {
  return new Set(model.requests.map(({ prompt }) => prompt)).size;
}

interface Effect {
  detail: string;
  killedKeys?: string[];
  met?: boolean;
}

const NOTHING_THERE: Effect = { detail: 'none ran just then', met: false };

async function killSomeHosts(crew: Crew, seat: number): Promise<number[]> {
  const hosts = await crew.killHosts(seat);
  return hosts.length > 0 ? hosts : await crew.killHosts(seat + 1);
}

const ACTIONS: Record<Planned['kind'], (world: ChaosWorld, planned: Planned) => Promise<Effect>> = {
  'kill worker': async ({ crew }, { worker, lastsMs }) => {
    const killed =
      (await crew.killWorker(worker, lastsMs)) ?? (await crew.killWorker(worker + 1, lastsMs));
    if (killed === null) return NOTHING_THERE;
    return { detail: `${killed.key}, process ${killed.pid}`, killedKeys: [killed.key] };
  },
  'kill kernel host': async ({ crew }, { worker }) => {
    const hosts = await killSomeHosts(crew, worker);
    return hosts.length === 0 ? NOTHING_THERE : { detail: `process ${hosts.join(', ')}` };
  },
  'kill Temporal server': async (world, { lastsMs }) => ({
    detail: `process ${await world.killServer(lastsMs)}, away for ${lastsMs} ms`,
  }),
  'kill everything': async (world, { lastsMs }) => {
    const server = world.killServer(lastsMs / 2);
    const killed = await world.crew.killAll(server.then(() => undefined));
    const pids = [await server, ...killed.map(({ pid }) => pid)];
    return { detail: `processes ${pids.join(', ')}`, killedKeys: killed.map(({ key }) => key) };
  },
  'drop model connections': async ({ link }, { lastsMs }) => ({
    detail: `${await link.drop(lastsMs)} connections, none for ${lastsMs} ms`,
  }),
  'slow model connections': async ({ link }, { lastsMs }) => ({
    detail: `${await link.slow(lastsMs, 400)} connections, 400 ms a piece for ${lastsMs} ms`,
  }),
  'full disk': async ({ disk }, { lastsMs }) => {
    await disk.fill(lastsMs);
    return { detail: `for ${lastsMs} ms` };
  },
  'read-only disk': async ({ disk }, { lastsMs }) => {
    await disk.makeReadOnly(lastsMs);
    return { detail: `for ${lastsMs} ms` };
  },
  'delete caches': async ({ crew, cacheFolder }, { worker }) => {
    const names = await readdir(cacheFolder);
    for (const name of names) await rm(join(cacheFolder, name), { recursive: true, force: true });
    // Who has read them needs them again only then.
    const hosts = await killSomeHosts(crew, worker);
    return { detail: `${names.join(', ')}; killed kernel host ${hosts.join(', ') || '(none)'}` };
  },
  'clock jump': async ({ clock }, { jumpMs }) => {
    await clock.jump(jumpMs);
    return { detail: `${jumpMs / 1000} s from the real time` };
  },
};
