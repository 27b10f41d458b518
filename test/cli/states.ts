import type { Progress } from '../../protocol/index.ts';
import { textRefOf } from '../../store/index.ts';

/** Progress of a run in its second turn, with changes to it. */
export function progress(changes: Partial<Progress> = {}): Progress {
  return {
    phase: 'computing',
    turn: 2,
    maxTurns: 30,
    cell: '2.1',
    round: null,
    spend: {
      turns: 2,
      calls: 7,
      usage: {
        inputTokens: 10,
        cachedInputTokens: 0,
        outputTokens: 5,
        costUsd: 0.0312,
        estimated: false,
      },
      computeMs: 40,
    },
    maxCostUsd: 1,
    draft: null,
    lastCell: null,
    ...changes,
  };
}

export function draft(text: string, version = 1): NonNullable<Progress['draft']> {
  return { version, content: textRefOf(text) };
}
