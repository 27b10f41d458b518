import type { CallRequest, Digest, JournalCall } from '../../protocol/index.ts';
import { putJson, type Store } from '../../store/index.ts';

/** Stores a round of `llm` calls with these prompts, numbered from `first`, and returns the new newest link. */
export async function putRound(
  store: Store,
  previous: Digest | null,
  prompts: readonly string[],
  { first = 1, model = null }: { first?: number; model?: string | null } = {},
): Promise<Digest> {
  const calls: JournalCall[] = [];
  for (const [at, prompt] of prompts.entries()) {
    const request: CallRequest = { kind: 'llm', prompt, model, context: null };
    const { digest } = await putJson(store, request);
    calls.push({ number: first + at, kind: 'llm', request: digest, preview: prompt.slice(0, 60) });
  }
  return (await putJson(store, { kind: 'round', previous, calls })).digest;
}
