import { defineSearchAttributeKey } from '@temporalio/common';
import { setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';
import {
  caps,
  type CitationCheck,
  clipBytes,
  forWebUi,
  MEMO_PROGRESS,
  type Phase,
  type Progress,
  type RunBranch,
  type RunStart,
} from '../protocol/index.ts';
import { remainingMs } from './budget.ts';
import { waitingQuestions } from './open-questions.ts';
import type { RunContext } from './run-context.ts';
import { shownDraft } from './shown-draft.ts';

const dollars = (amount: number): string => `$${amount.toFixed(2)}`;
/** Grouped by hand: the sandbox's Intl need not be the same everywhere, and this text is part of prompts. */
const grouped = (n: number): string => String(n).replaceAll(/\B(?=(\d{3})+$)/g, ',');

/** `turn 4/30 · 12 sub-calls · $0.08 of $1.00 · draft v2, 1,204 chars`; and of the limits that are not always there, those that are. */
export function statusLine(context: Pick<RunContext, 'state' | 'start'>): string {
  const { spend, resolved, draft } = context.state;
  const { tokens, computeMs, wallClockMs } = resolved.budget;
  // A fixed clock counts steps, not time: it is no limit.
  const leftMs = context.start.spec.clock === null ? remainingMs(context.state, Date.now()) : null;
  const used = spend.usage.inputTokens + spend.usage.outputTokens;
  const seconds = (ms: number): string => grouped(Math.round(ms / 1000));
  return [
    `turn ${context.state.turn}/${resolved.budget.turns}`,
    `${spend.calls} sub-call${spend.calls === 1 ? '' : 's'}`,
    `${dollars(spend.usage.costUsd)} of ${dollars(resolved.budget.costUsd)}`,
    ...(tokens === null ? [] : [`${grouped(used)} of ${grouped(tokens)} tokens`]),
    ...(computeMs === null || computeMs === undefined
      ? []
      : [`${seconds(spend.computeMs)} of ${seconds(computeMs)} s of compute`]),
    ...(leftMs === null || wallClockMs === null
      ? []
      : [`${seconds(wallClockMs - leftMs)} of ${seconds(wallClockMs)} s`]),
    draft === null
      ? 'no draft yet'
      : `draft v${draft.version}, ${grouped(draft.content.chars)} chars`,
  ].join(' · ');
}

function phaseOf({ phase, held, state }: RunContext): Phase {
  return held > 0 && state.steering.paused ? 'paused' : phase;
}

export function progressOf(context: RunContext): Progress {
  const { state } = context;
  return {
    phase: phaseOf(context),
    turn: state.turn,
    maxTurns: state.resolved.budget.turns,
    cell: context.cell,
    round: roundOf(context),
    spend: context.ledger.total(),
    maxCostUsd: state.resolved.budget.costUsd,
    draft: shownDraft(state),
    lastCell: state.lastCell,
    paused: state.steering.paused,
    questions: waitingQuestions(context.questions),
    ...(state.inputNotes === undefined ? {} : { inputNotes: state.inputNotes }),
  };
}

/** The run and what it has under way; ended children are in the history. */
export function branchOf(context: RunContext): RunBranch {
  const { workflowId, depth, state, ledger } = context;
  const open = (id: string, kind: 'subRun' | 'batch', row = id): RunBranch['children'] => {
    const found = ledger.row(row);
    return found === null ? [] : [{ workflowId: id, kind, ...found }];
  };
  return {
    workflowId,
    depth,
    phase: phaseOf(context),
    turn: state.turn,
    spend: ledger.total(),
    children: [
      ...[...context.subRuns].flatMap((id) => open(id, 'subRun')),
      ...[...context.batches].flatMap(([id, { row }]) => open(id, 'batch', row)),
    ],
  };
}

/** A batch hands its answers over when it ends, and says before how many it has. */
function roundOf({ round, batches }: RunContext): Progress['round'] {
  if (round === null) return null;
  let { answered } = round;
  for (const batch of batches.values()) {
    answered += Math.max(0, batch.answered - batch.handedOver);
  }
  return { answered: Math.min(answered, round.total), total: round.total };
}

/** Writes where the run stands to all places where people look: memo, current details, search attributes. Once a turn. */
export function report(context: RunContext, status: string): void {
  upsertMemo({ [MEMO_PROGRESS]: progressOf(context) });
  setCurrentDetails(clipBytes(forWebUi(currentDetails(context, status)), caps.DETAILS_BYTES));
  if (!context.start.searchAttributes) return;
  const { state } = context;
  upsertSearchAttributes([
    { key: defineSearchAttributeKey('RlmModel', 'KEYWORD'), value: state.resolved.root.name },
    { key: defineSearchAttributeKey('RlmStatus', 'KEYWORD'), value: status },
    { key: defineSearchAttributeKey('RlmDepth', 'INT'), value: context.depth },
    { key: defineSearchAttributeKey('RlmTurns', 'INT'), value: state.turn },
    { key: defineSearchAttributeKey('RlmCostUsd', 'DOUBLE'), value: state.spend.usage.costUsd },
  ]);
}

/** Says of a run that ended before its REPL was open that it did. */
export function reportUnopened(start: RunStart, status: string): void {
  if (!start.searchAttributes) return;
  upsertSearchAttributes([
    { key: defineSearchAttributeKey('RlmStatus', 'KEYWORD'), value: status },
  ]);
}

/** What a person can do about it stands with each question: the page may be all that they have. */
function questions(context: RunContext): string[] {
  const waiting = waitingQuestions(context.questions);
  if (waiting.length === 0) return [];
  return [
    '',
    '### Waits for a person',
    '',
    ...waiting.map(({ id, question }) => `- ${id}: ${question.text ?? question.head ?? ''}`),
    '',
    `Answer with \`rlm answer ${context.workflowId} ID TEXT\`, or the update \`answerHuman\`.`,
  ];
}

function citedIn(cited: Pick<CitationCheck, 'total' | 'verified'> | undefined): string {
  return cited === undefined
    ? ''
    : `, ${cited.verified} of ${cited.total} citations found in the inputs`;
}

function currentDetails(context: RunContext, status: string): string {
  const { state } = context;
  const { root, sub } = state.resolved;
  const { usage } = state.spend;
  const standIn =
    root.standIn || sub.standIn
      ? ['**Stand-in model: its answers are scripted and have no intelligence.**', '']
      : [];
  const draft =
    state.draft === null
      ? []
      : [
          '',
          `### Draft v${state.draft.version} (${grouped(state.draft.content.chars)} chars${citedIn(state.draft.cited)})`,
          '',
          state.draft.content.text ??
            `${state.draft.content.head ?? ''}\n\n…\n\n${state.draft.content.tail ?? ''}`,
        ];
  return [
    ...standIn,
    `**${status}** · ${statusLine(context)}`,
    '',
    `- root model: ${root.name}; sub-model: ${sub.name}`,
    `- tokens: ${grouped(usage.inputTokens)} in, ${grouped(usage.outputTokens)} out${usage.estimated ? ' (estimated)' : ''}`,
    `- compute: ${(state.spend.computeMs / 1000).toFixed(1)} s`,
    `- heap after ${state.lastCell === null ? 'the inputs' : `cell ${state.lastCell.cell}`}: \`${state.image.heapDigest.slice(0, 19)}…\``,
    ...questions(context),
    ...draft,
  ].join('\n');
}
