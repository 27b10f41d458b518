import type { Command } from 'commander';
import { type ServerOptions, withServerOptions } from './common-options.ts';
import { followRun } from './follow-run.ts';
import { logTo, print, say } from './output.ts';
import { openSession, runPage } from './session.ts';
import { answerJson, citationLines, endLines, exitCodeFor } from './show-answer.ts';

/** `rlm result`: the answer of a run, waiting for it when the run still goes on. An interrupted run goes on where it was. */
export function addResultCommand(program: Command): void {
  const command = program
    .command('result')
    .description('print the answer of a run; waits while it goes on')
    .argument('<id>', 'workflow id of the run')
    .option('--json', 'print one JSON object instead of the answer');
  withServerOptions(command).action(showResult);
}

async function showResult(id: string, options: ServerOptions & { json?: boolean }): Promise<void> {
  const session = await openSession(options, logTo(options.debug === true));
  try {
    const worker = (await isOpen(session.client, id)) ? await session.startWorker() : null;
    const answer = await followRun(session.client, id, worker);
    for (const line of endLines(answer)) say(line);
    const page = runPage(session, id);
    print(options.json === true ? JSON.stringify(answerJson(answer, page)) : (answer.answer ?? ''));
    for (const line of citationLines(answer)) say(line);
    process.exitCode = exitCodeFor(answer);
  } finally {
    await session.close();
  }
}

/** A run that is open on the embedded server has nobody who works on it unless this command starts a worker. */
async function isOpen(
  client: Awaited<ReturnType<typeof openSession>>['client'],
  id: string,
): Promise<boolean> {
  try {
    return (await client.temporal.workflow.getHandle(id).describe()).status.name === 'RUNNING';
  } catch {
    return false;
  }
}
