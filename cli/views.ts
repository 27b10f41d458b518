import type { Command } from 'commander';
import type { RunTree } from '../client/index.ts';
import { getText } from '../store/index.ts';
import { type ServerOptions, withServerOptions } from './common-options.ts';
import { logTo, print } from './output.ts';
import { progressLine } from './progress-line.ts';
import { openSession } from './session.ts';

interface ViewOptions extends ServerOptions {
  json?: boolean;
}

/** `rlm drafts` and `rlm tree`: what a run has written so far, and which sub-runs it has started. */
export function addViewCommands(program: Command): void {
  const drafts = program
    .command('drafts')
    .description('print the drafts of a run’s answer')
    .argument('<id>', 'workflow id of the run')
    .option('--json', 'print one JSON array');
  withServerOptions(drafts).action(showDrafts);
  const tree = program
    .command('tree')
    .description('list a run and its sub-runs')
    .argument('<id>', 'workflow id of the run')
    .option('--json', 'print one JSON object');
  withServerOptions(tree).action(showTree);
}

async function showDrafts(id: string, options: ViewOptions): Promise<void> {
  const session = await openSession(options, logTo(options.debug === true));
  try {
    // On a server that this command started nobody else answers the query.
    if (session.embedded?.owned === true) await session.startWorker(['--workflows-only']);
    const { client } = session;
    const drafts = await Promise.all(
      (await client.drafts(id)).map(async ({ version, content }) => ({
        version,
        text: await getText(client.store, content.digest),
      })),
    );
    if (options.json === true) return print(JSON.stringify(drafts));
    if (drafts.length === 0) return print(`Run ${id} has no draft yet.`);
    print(drafts.map(({ version, text }) => `--- draft v${version}\n${text}`).join('\n'));
  } finally {
    await session.close();
  }
}

async function showTree(id: string, options: ViewOptions): Promise<void> {
  const session = await openSession(options, logTo(options.debug === true));
  try {
    const tree = await session.client.tree(id);
    print(options.json === true ? JSON.stringify(tree) : treeLines(tree).join('\n'));
  } finally {
    await session.close();
  }
}

function treeLines({ workflowId, status, progress, children }: RunTree, depth = 0): string[] {
  const where = progress === null ? '' : ` · ${progressLine(progress)}`;
  return [
    `${'  '.repeat(depth)}${workflowId} · ${status.toLowerCase()}${where}`,
    ...children.flatMap((child) => treeLines(child, depth + 1)),
  ];
}
