import type { Command } from 'commander';
import { checkModels } from './check-models.ts';
import { CliError } from './cli-error.ts';
import { type ServerOptions, withServerOptions } from './common-options.ts';
import { followRun } from './follow-run.ts';
import { logTo, print, say } from './output.ts';
import { type RequestOptions, toRequest, withRequestOptions } from './run-request.ts';
import { openSession, runPage, type Session } from './session.ts';
import { answerJson, citationLines, endLines, exitCodeFor } from './show-answer.ts';

interface RunOptions extends ServerOptions, RequestOptions {
  id?: string;
  json?: boolean;
  detach?: boolean;
}

/** `rlm run`: answers a question over files, with live progress on standard error and the answer on standard output. */
export function addRunCommand(program: Command): void {
  const command = program
    .command('run')
    .description('answer a question over files and folders')
    .argument('<question>', 'what to find out')
    .option('--id <id>', 'workflow id of the run (default: a new one)')
    .option('--json', 'print one JSON object instead of the answer')
    .option('--detach', 'print the id and leave; the run goes on at the server');
  withServerOptions(withRequestOptions(command)).action(run);
}

async function run(question: string, options: RunOptions): Promise<void> {
  const request = await toRequest(question, options);
  const session = await openChecked(options);
  try {
    const worker = options.detach === true ? null : await session.startWorker();
    const { workflowId } = await session.client.start(
      request,
      options.id === undefined ? {} : { workflowId: options.id },
    );
    const page = runPage(session, workflowId);
    say(`Run ${workflowId}${page === null ? '' : ` · ${page}`}`);
    if (options.detach === true) {
      print(options.json === true ? JSON.stringify({ workflowId, webUi: page }) : workflowId);
      return;
    }
    const answer = await followRun(session.client, workflowId, worker);
    for (const line of endLines(answer)) say(line);
    print(options.json === true ? JSON.stringify(answerJson(answer, page)) : (answer.answer ?? ''));
    for (const line of citationLines(answer)) say(line);
    if (session.embedded?.owned === true) sayWhereToLook(workflowId);
    process.exitCode = exitCodeFor(answer);
  } finally {
    await session.close();
  }
}

/** A wrong key or model address is found before a server is started, so nothing is written anywhere. */
async function openChecked(options: RunOptions): Promise<Session> {
  const named = options.address ?? process.env['TEMPORAL_ADDRESS'];
  if (named === undefined) await checkModels(options.model, options.subModel);
  const session = await openSession(options, logTo(options.debug === true));
  if (options.detach === true && session.embedded?.owned === true) {
    await session.close();
    throw new CliError(
      '--detach needs a server that stays: name one with --address, or keep "rlm ui" open in another terminal.',
    );
  }
  return session;
}

function sayWhereToLook(workflowId: string): void {
  say(`To open the run later: rlm ui, then look for ${workflowId}.`);
}
