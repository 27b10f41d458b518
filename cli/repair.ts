import type { Command } from 'commander';
import { runOwner } from '../protocol/index.ts';
import type { Store } from '../store/index.ts';
import { type ServerOptions, withServerOptions } from './common-options.ts';
import { CliError } from './cli-error.ts';
import { logTo, print, say } from './output.ts';
import { openSession } from './session.ts';

interface RepairOptions extends ServerOptions {
  json?: boolean;
}

interface Repaired {
  workflowId: string;
  images: number;
  /** Cells that were executed again because the image after them was lost. */
  rebuilt: string[];
  blobs: number;
  /** What stays lost, one sentence each. */
  lost: string[];
}

/** Sentences about lost blobs that are shown; the rest is counted. */
const SHOWN = 20;

/** `rlm repair`: checks all that a run has in the store, and rebuilds heap images that are missing or damaged by executing their steps again. */
export function addRepairCommand(program: Command): void {
  const command = program
    .command('repair')
    .description('check what a run has in the store; rebuild lost heap images from their steps')
    .argument('<id>', 'workflow id of the run')
    .option('--json', 'print one JSON object');
  withServerOptions(command).action(repair);
}

async function repair(id: string, options: RepairOptions): Promise<void> {
  const session = await openSession(options, logTo(options.debug === true));
  try {
    const done = await repairRun(id, session);
    if (options.json === true) print(JSON.stringify(done));
    else for (const line of linesOf(done)) print(line);
    if (done.lost.length > 0) process.exitCode = 1;
  } finally {
    await session.close();
  }
}

async function repairRun(
  workflowId: string,
  { client, home }: Awaited<ReturnType<typeof openSession>>,
): Promise<Repaired> {
  // Loaded here: no other command of these needs kernels.
  const { stepsBehind } = await import('../activities/index.ts');
  const { openRepl, isLost } = await import('../repl/index.ts');
  const { keptBy } = await import('../store/index.ts');
  const { store, temporal } = client;
  const steps = await stepsBehind({ store, client: temporal }, workflowId);
  if (steps.length === 0) {
    throw new CliError(
      `Nothing is known of the steps of run ${workflowId}: neither its trail in ${store.describe()} nor the server has one.`,
    );
  }
  const owner = runOwner(workflowId);
  const images = new Set(steps.map(({ image }) => image.blob));
  const lost = new Set<string>();
  const repl = await openRepl({ store, cacheDir: home.cacheDir, warmKernels: 0 });
  try {
    const rebuilder = await repl.rebuilder(steps);
    await keptBy(owner, async () => {
      for (const { input, image } of steps) {
        try {
          await rebuilder.ensure(image);
        } catch (error) {
          if (!(error instanceof Error) || !(isLost(error) || error.name === 'ImageIncompatible')) {
            throw error;
          }
          lost.add(`the heap after cell ${input.key.cell}: ${error.message}`);
        }
      }
    });
    const others = await checkOthers(store, owner, images, isLost);
    for (const sentence of others.lost) lost.add(sentence);
    const { rebuilt } = rebuilder;
    return { workflowId, images: images.size, rebuilt, blobs: others.blobs, lost: [...lost] };
  } finally {
    await repl.dispose();
  }
}

/** Reads everything else that the run has. Nothing but a copy of the store brings it back. */
async function checkOthers(
  store: Store,
  owner: string,
  images: ReadonlySet<string>,
  isLost: (error: unknown) => boolean,
): Promise<{ blobs: number; lost: string[] }> {
  const root = await store.roots.find(owner);
  const blobs = new Set(root?.pieces.flatMap((piece) => piece.blobs ?? []) ?? []);
  const lost: string[] = [];
  for (const digest of blobs) {
    if (images.has(digest)) continue;
    try {
      await store.blobs.get(digest);
    } catch (error) {
      if (!(error instanceof Error) || !isLost(error)) throw error;
      lost.push(error.message);
    }
  }
  return { blobs: blobs.size, lost };
}

function linesOf({ workflowId, images, rebuilt, blobs, lost }: Repaired): string[] {
  const again = rebuilt.length === 0 ? 'none had to be' : `cells ${rebuilt.join(', ')} were`;
  if (lost.length > SHOWN) say(`The first ${SHOWN} of ${lost.length} are shown; --json has all.`);
  return [
    `${workflowId}: ${images} heap images, ${again} executed again`,
    `${blobs} blobs in its root, ${lost.length === 0 ? 'all whole' : `${lost.length} problems`}`,
    ...lost.slice(0, SHOWN),
  ];
}
