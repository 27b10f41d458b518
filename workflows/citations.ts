import { isCancellation, log, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import {
  caps,
  type CitationCheck,
  type Digest,
  type EndReason,
  type RunResult,
} from '../protocol/index.ts';
import { INGEST } from './activity-options.ts';
import type { RunContext } from './run-context.ts';
import type { RunState } from './run-state.ts';
import { resetReady } from './settle-turn.ts';

const { checkCitations } = proxyActivities<Activities>(INGEST);

const HOW_TO_CORRECT =
  'Correct answer["citations"]: quote(text, passage) gives words as they stand in a text, and None when they do not. What the inputs do not say has to go from answer["content"] too. Then set answer["ready"] = True again. You are asked once: what is not found then is marked so in the result.';

/** Of one check that are told: all of them may be a large part of a payload. */
const PROBLEMS = 10;

/** Ends that a run comes to while the model corrects citations of an answer that was accepted but for them. */
const WHILE_CORRECTING: readonly EndReason[] = [
  'turns',
  'budget',
  'wallClock',
  'noCode',
  'repeating',
];

/**
 * Looks up what a ready draft cites. Null when all of it holds, or the model was asked before; else notes for the model,
 * and `ready` is set back: it may correct what does not, once a run.
 */
export async function correctFirst(context: RunContext): Promise<string[] | null> {
  const { state } = context;
  const check = await checked(context);
  if (check === null || check.verified === check.total || state.correcting !== null) return null;
  state.correcting = state.draft?.content.digest ?? null;
  resetReady(state);
  const wrong = check.total - check.verified;
  return [
    `The answer is not accepted yet: ${wrong} of its ${check.total} citations ${wrong === 1 ? 'was' : 'were'} not found in the inputs.`,
    ...check.problems.slice(0, PROBLEMS),
    ...(check.problems.length > PROBLEMS ? ['There are more of them.'] : []),
    HOW_TO_CORRECT,
  ];
}

/** Why the run ended: an answer that was accepted but for its citations is one, though a limit cut their correction short. */
export function reasonOfEnd(state: RunState, reason: EndReason): EndReason {
  const isAccepted = state.correcting !== null && state.correcting === state.draft?.content.digest;
  return isAccepted && WHILE_CORRECTING.includes(reason) ? 'answered' : reason;
}

/** For the result: how many of the answer's citations hold. Absent when it cites nothing. */
export async function citedInResult(context: RunContext): Promise<Pick<RunResult, 'citations'>> {
  if (context.state.draft?.citations === undefined) return {};
  const check = await checked(context);
  if (check === null) return { citations: { total: 0, verified: 0, report: null } };
  const { total, verified, report } = check;
  return { citations: { total, verified, report } };
}

/** The check of the draft's citations, made once (what was wrong is told once, too); null when there are none or the check fails. */
async function checked({ state }: RunContext): Promise<CitationCheck | null> {
  const { draft } = state;
  if (draft?.citations === undefined) return null;
  if (draft.cited !== undefined) return { ...draft.cited, problems: [] };
  try {
    const cited = await checkCitations.executeWithOptions(
      { summary: `citations of draft v${draft.version}` },
      [{ citations: draft.citations, manifests: manifestsOf(state) }],
    );
    const { total, verified, report } = cited;
    state.draft = { ...draft, cited: { total, verified, report } };
    return cited;
  } catch (error) {
    // An answer that was paid for outweighs what it cites; the result says that nobody could look.
    if (isCancellation(error)) throw error;
    log.warn('The citations could not be looked up', { error });
    return null;
  }
}

/** All inputs that the heap was given: a fork has those of the run that it starts from, too. */
function manifestsOf({ manifest, resolved: { from } }: RunState): Digest[] {
  const before = from === undefined ? [] : [from.manifest, ...(from.earlier ?? [])];
  return [...new Set([manifest, ...before])].slice(0, caps.MANIFESTS);
}
