import { isCancellation } from '@temporalio/workflow';
import {
  addUsage,
  caps,
  clipBytes,
  leastCost,
  type NextTurnInput,
  type NextTurnResult,
} from '../protocol/index.ts';
import { neededBy } from './budget.ts';
import { promptUsage } from './call-allowance.ts';
import { compact, compactWhenLong, isTooLong } from './compact.ts';
import { continuation } from './fork-run.ts';
import { keepMessages } from './keep-output.ts';
import { modelActivities, type RunContext } from './run-context.ts';

/** What one last call reads beside the transcript that there is, in tokens; and the share of the budget that is kept back for it at most. */
const LAST_CALL_TOKENS = 20_000;
const LAST_CALL_SHARE = 0.15;

/**
 * The root model's next reply; null when what is left of the budget does not pay for it. The transcript grows by it;
 * its cost is settled. A transcript near the model's context limit is summarised before, or when the provider refuses it.
 */
export async function askRoot(context: RunContext): Promise<NextTurnResult | null> {
  const { state } = context;
  context.phase = 'thinking';
  await compactWhenLong(context);
  const summary = `turn ${state.turn} · ${state.resolved.root.name}`;
  const reply = await ask(context, summary, turnInput(context, state.turn, 'go on')).catch(
    async (error: unknown) => {
      if (!isTooLong(context, error)) throw error;
      await compact(context);
      return await ask(context, summary, turnInput(context, state.turn, 'go on'));
    },
  );
  if (reply === null) return null;
  state.transcript = reply.transcript;
  state.transcriptSize = reply.transcriptTokens ?? 0;
  const { usage } = reply;
  state.transcriptTokens = usage.estimated ? null : usage.inputTokens + usage.outputTokens;
  keepMessages(state, reply);
  return reply;
}

/** The answer itself, asked for in one last call without code; null when the budget does not pay for it. */
export async function askForAnswer(context: RunContext): Promise<NextTurnResult | null> {
  context.phase = 'thinking';
  const { turn, resolved } = context.state;
  const input = turnInput(context, turn + 1, 'answer');
  return await ask(context, `the answer without code · ${resolved.root.name}`, input);
}

async function ask(
  context: RunContext,
  summary: string,
  input: NextTurnInput,
): Promise<NextTurnResult | null> {
  const { state } = context;
  try {
    const reply = await modelActivities(input.card).nextTurn.executeWithOptions(
      { summary: clipBytes(summary, caps.SUMMARY_BYTES) },
      [input],
    );
    state.spend.usage = addUsage(state.spend.usage, reply.usage);
    return reply;
  } catch (error) {
    if (isCancellation(error)) {
      state.spend.usage = addUsage(
        state.spend.usage,
        promptUsage(input.card, state.transcriptSize),
      );
    }
    if (neededBy(error) === null) throw error;
    return null;
  }
}

function turnInput(context: RunContext, turn: number, purpose: 'go on' | 'answer'): NextTurnInput {
  const { state, start } = context;
  const { root, sub, maxDepth, budget, tools, packages } = state.resolved;
  return {
    workflowId: context.scope,
    turn,
    card: root,
    subModel: sub.name,
    question: start.spec.question,
    manifest: state.manifest,
    depth: context.depth,
    maxDepth,
    transcript: state.transcript,
    observation: state.observation,
    allowance: allowance(context, purpose),
    answerSchema: start.spec.answerSchema,
    budget,
    purpose,
    ...(tools === undefined ? {} : { toolbox: tools.toolbox }),
    ...(packages === undefined
      ? {}
      : { packages: packages.map(({ name, version, modules }) => ({ name, version, modules })) }),
    ...continuation({ ...state, turn }, start),
  };
}

/** Nothing else is under way: all that is left may be spent, but for what one last call takes while there is no draft. */
function allowance(
  { state, ledger }: RunContext,
  purpose: 'go on' | 'answer',
): NonNullable<NextTurnInput['allowance']> {
  const { costUsd, tokens } = ledger.left();
  const { budget, root } = state.resolved;
  const knownTokens = state.transcriptTokens;
  if (purpose === 'answer' || state.draft !== null) return { costUsd, tokens, knownTokens };
  const last = leastCost(root, state.transcriptSize + LAST_CALL_TOKENS);
  const kept = Math.min(last.costUsd, budget.costUsd * LAST_CALL_SHARE);
  const keptTokens = Math.min(last.tokens, Math.floor((budget.tokens ?? 0) * LAST_CALL_SHARE));
  return {
    costUsd: Math.max(0, costUsd - kept),
    tokens: tokens === null ? null : Math.max(0, tokens - keptTokens),
    knownTokens,
  };
}
