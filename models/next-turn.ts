import { z } from 'zod';
import {
  turnRecordKey,
  Usage,
  type ModelCard,
  type NextTurnInput,
  type NextTurnResult,
  type Observation,
} from '../protocol/index.ts';
import { canonicalJson, digestOf, getText, putText, type Store } from '../store/index.ts';
import { callModel } from './call-model.ts';
import { parseReply } from './parse-reply.ts';
import type { CallProgress, ChatMessage } from './provider.ts';
import { recordOnce } from './recorded.ts';
import type { Registry } from './registry.ts';
import { renderObservation } from './render-observation.ts';
import { renderOpening } from './render-system.ts';
import { extendTranscript, readTranscript } from './transcript.ts';
import { mostTokens, withinAllowance } from './within-allowance.ts';

/** A stored root reply: what a repeated turn finds instead of paying again. */
const TurnReply = z.object({
  text: z.string(),
  finishReason: z.string(),
  reasoning: z.string().optional(),
  usage: Usage,
  model: z.string(),
});

export interface TurnDeps {
  readonly store: Store;
  readonly registry: Registry;
  readonly input: NextTurnInput;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CallProgress) => void;
}

/**
 * One turn of the root model. The prompt is the transcript and what happened since; the reply is recorded
 * under the exact prompt before this resolves, so that an attempt that runs again finds it and pays
 * nothing (`repeated`). The transcript grows by one link: the new messages and the reply. Throws ModelError.
 */
export async function takeTurn(deps: TurnDeps): Promise<NextTurnResult> {
  const { store, registry, input, signal, onProgress } = deps;
  const fresh = await newMessages(deps);
  const messages = [...(await readTranscript(store, input.transcript)), ...fresh];
  const prompt = digestOf(
    Buffer.from(canonicalJson({ model: input.card.model, messages }), 'utf8'),
  );
  const { value, repeated, usage } = await recordOnce(
    store,
    turnRecordKey(input.workflowId, input.turn, prompt),
    TurnReply,
    (reply) => reply.usage,
    () => callModel({ registry, card: affordable(input, messages), messages, signal, onProgress }),
  );
  const parsed = parseReply(value.text, { cutOff: value.finishReason === 'length' });
  const said: ChatMessage = { role: 'assistant', content: value.text };
  return {
    transcript: await extendTranscript(store, input.transcript, [...fresh, said]),
    reply: await putText(store, value.text),
    cells: await Promise.all(parsed.cells.map((code) => putText(store, code))),
    ignoredBlocks: [...parsed.ignoredBlocks],
    usage,
    repeated,
    finishReason: value.finishReason,
  };
}

/** Of a long transcript the provider has counted all but the last message: only that is reckoned by its bytes. */
function affordable(
  { card, allowance }: NextTurnInput,
  messages: readonly ChatMessage[],
): ModelCard {
  const known = allowance?.knownTokens ?? null;
  const byBytes = mostTokens(messages);
  const most = known === null ? byBytes : Math.min(byBytes, known + mostTokens(messages.slice(-1)));
  return withinAllowance(card, most, allowance);
}

/** The messages since the last reply: the opening of a run when there is no transcript yet, and the observation. */
async function newMessages({ store, registry, input }: TurnDeps): Promise<ChatMessage[]> {
  const opening =
    input.transcript === null ? await renderOpening(store, input, registry.promptFolder) : [];
  if (input.observation === null) return opening;
  return [...opening, await observed(store, input.observation)];
}

async function observed(store: Store, observation: Observation): Promise<ChatMessage> {
  const content = await renderObservation(observation, (ref) => getText(store, ref));
  return { role: 'user', content };
}
