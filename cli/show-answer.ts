import type { RunAnswer } from '../client/index.ts';
import { EXIT } from './cli-error.ts';
import { count, money } from './progress-line.ts';

/** The object that `--json` prints: one line, one answer. */
export function answerJson(run: RunAnswer, webUi: string | null): Record<string, unknown> {
  const { result } = run;
  return {
    workflowId: run.workflowId,
    reason: result.reason,
    answer: run.answer,
    extracted: result.extracted ?? false,
    citations: run.citations,
    draftVersion: result.draftVersion,
    spend: result.spend,
    models: result.models,
    heapDigest: result.image.heapDigest,
    trail: result.trail,
    webUi,
  };
}

/** Characters shown of the words of a citation. */
const QUOTE_CHARS = 160;

/** What the answer cites, each with its place, or why it was not found; none when it cites nothing. */
export function citationLines({ citations, result }: RunAnswer): string[] {
  const cited = result.citations;
  if (cited === undefined) return [];
  if (cited.report === null) return ['Its citations could not be looked up in the inputs.'];
  const lines = citations.map(({ input, quote, verified, start, end, part, page, problem }, at) => {
    const place = [
      input,
      ...(part === undefined ? [] : [`part ${part}`]),
      ...(page === undefined ? [] : [`page ${page}`]),
      `${start}-${end}`,
    ];
    const where = verified ? place.join(', ') : `NOT FOUND (${problem})`;
    return `  [${at + 1}] ${where}: ${shown(quote)}`;
  });
  const left = cited.total - citations.length;
  return [
    `Citations, ${cited.verified} of ${cited.total} found in the inputs:`,
    ...lines,
    ...(left > 0 ? [`  and ${left} more, which were not looked up`] : []),
  ];
}

function shown(quote: string | null): string {
  const words = (quote ?? '').replaceAll(/\s+/g, ' ').trim();
  return `“${words.length <= QUOTE_CHARS ? words : `${words.slice(0, QUOTE_CHARS).toWellFormed()}…`}”`;
}

const WHY: Record<Exclude<RunAnswer['result']['reason'], 'answered'>, string> = {
  turns: 'its turns were used up',
  budget: 'its budget was used up',
  wallClock: 'its time was up',
  noCode: 'the model wrote no code three times in a row',
  invalidAnswer: 'the model did not bring the answer into the asked form',
  repeating: 'the model ran the same code again and again',
  finishNow: 'somebody ended it',
};

/** What is said beside the answer: how the run ended and what it cost. */
export function endLines(run: RunAnswer): string[] {
  const { result } = run;
  const { spend } = result;
  const cost = `${count(spend.turns, 'turn')}, ${count(spend.calls, 'sub-call')}, ${money(spend.usage.costUsd)}${spend.usage.estimated ? ' (estimated)' : ''}`;
  const how =
    result.reason === 'answered'
      ? `Answered after ${cost}.`
      : `The run ended without a final answer because ${WHY[result.reason]}, after ${cost}. ${whatIsPrinted(run)}`;
  return result.models.standIn
    ? [how, 'The answers came from a stand-in model server, which has no intelligence.']
    : [how];
}

function whatIsPrinted({ answer, result }: RunAnswer): string {
  if (answer === null) return 'There is no draft.';
  return result.extracted === true
    ? 'There was no draft: what is printed is what the model said when it was asked at the end, unchecked.'
    : 'What is printed is its best draft.';
}

export function exitCodeFor(run: RunAnswer): number {
  return run.result.reason === 'answered' ? EXIT.answered : EXIT.bestDraft;
}
