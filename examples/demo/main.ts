import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { describeError } from '../../cli/index.ts';
import { runDemo } from './demo-run.ts';
import { costLine, type DemoReport, proofLines, timeLines } from './demo-report.ts';

/** `npm run demo [-- --json] [-- --debug]`: a real analysis whose worker is killed half-way. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { json: { type: 'boolean' }, debug: { type: 'boolean' } },
  });
  const id = `demo-${new Date().toISOString().slice(0, 10)}-${randomBytes(3).toString('hex')}`;
  const log = values.debug === true ? say : () => undefined;
  const report = await runDemo({ id, say, log });
  if (values.json === true) process.stdout.write(`${JSON.stringify(report)}\n`);
  else print(report);
  if (!report.digestsEqual || report.reason !== 'answered') process.exitCode = 1;
}

function print(report: DemoReport): void {
  const label = report.standIn
    ? ' (from a stand-in model server, which has no intelligence: scripted steps, sentences copied from the text)'
    : '';
  const lines = [
    '',
    `Answer${label}`,
    '',
    report.answer ?? '(none)',
    '',
    `${report.workflowId}: ${costLine(report)}`,
    '',
    ...proofLines(report),
    '',
    ...timeLines(report.times),
    '',
    'To open both runs in the Web UI: npm run ui',
    ...(report.webUi === null ? [] : [`then ${report.webUi}`]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

try {
  await main();
} catch (error) {
  say(describeError(error, process.argv.includes('--debug')).replace(/^rlm: /, 'demo: '));
  process.exitCode = 1;
}
