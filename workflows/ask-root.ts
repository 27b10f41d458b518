import { addUsage, caps, clipBytes, type NextTurnResult } from '../protocol/index.ts';
import { modelActivities, type RunContext } from './run-context.ts';

/** The root model's next reply. The transcript grows by it; its cost is settled. */
export async function askRoot(context: RunContext): Promise<NextTurnResult> {
  const { state, start } = context;
  const { root, sub } = state.resolved;
  context.phase = 'thinking';
  const reply = await modelActivities(root).nextTurn.executeWithOptions(
    { summary: clipBytes(`turn ${state.turn} · ${root.name}`, caps.SUMMARY_BYTES) },
    [
      {
        workflowId: context.workflowId,
        turn: state.turn,
        card: root,
        subModel: sub.name,
        question: start.spec.question,
        manifest: state.manifest,
        depth: context.depth,
        maxDepth: state.resolved.maxDepth,
        transcript: state.transcript,
        observation: state.observation,
      },
    ],
  );
  state.transcript = reply.transcript;
  state.spend.usage = addUsage(state.spend.usage, reply.usage);
  return reply;
}
