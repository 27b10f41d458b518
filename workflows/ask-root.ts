import { addUsage, caps, clipBytes, type NextTurnResult } from '../protocol/index.ts';
import { neededBy } from './budget.ts';
import { keepMessages } from './keep-output.ts';
import { modelActivities, type RunContext } from './run-context.ts';

/** The root model's next reply; null when what is left of the budget does not pay for it. The transcript grows by it; its cost is settled. */
export async function askRoot(context: RunContext): Promise<NextTurnResult | null> {
  const { state, start } = context;
  const { root, sub } = state.resolved;
  // Nothing else is under way: all that is left may be spent.
  const { costUsd, tokens } = context.ledger.left();
  context.phase = 'thinking';
  const asked = modelActivities(root).nextTurn.executeWithOptions(
    { summary: clipBytes(`turn ${state.turn} · ${root.name}`, caps.SUMMARY_BYTES) },
    [
      {
        workflowId: context.scope,
        turn: state.turn,
        card: root,
        subModel: sub.name,
        question: start.spec.question,
        manifest: state.manifest,
        depth: context.depth,
        maxDepth: state.resolved.maxDepth,
        transcript: state.transcript,
        observation: state.observation,
        ...(state.resolved.tools && { toolbox: state.resolved.tools.toolbox }),
        allowance: { costUsd, tokens, knownTokens: state.transcriptTokens },
      },
    ],
  );
  const reply = await asked.catch((error: unknown) => {
    if (neededBy(error) === null) throw error;
    return null;
  });
  if (reply === null) return null;
  state.transcript = reply.transcript;
  keepMessages(state, reply);
  const { usage } = reply;
  state.transcriptTokens = usage.estimated ? null : usage.inputTokens + usage.outputTokens;
  state.spend.usage = addUsage(state.spend.usage, reply.usage);
  return reply;
}
