import {
  affordedOutput,
  FailureType,
  leastCost,
  type CallCost,
  type ModelCard,
} from '../protocol/index.ts';
import { ModelError } from './model-failure.ts';

/** A model call was not made: its allowance does not pay for it. `needed` is the least that would. */
export class AllowanceTooSmall extends ModelError {
  readonly needed: CallCost;

  constructor(card: ModelCard, needed: CallCost) {
    super({
      type: FailureType.budgetExhausted,
      retryable: false,
      message: `${card.model} was not asked: the call may cost $${needed.costUsd.toFixed(4)} and take ${needed.tokens} tokens, more than it was given.`,
    });
    this.needed = needed;
  }
}

/** The card with its output limit cut to what an allowance pays beside the prompt. Throws AllowanceTooSmall when that is too little to be worth asking. */
export function withinAllowance(
  card: ModelCard,
  promptTokens: number,
  allowance: { costUsd: number; tokens: number | null } | undefined,
): ModelCard {
  if (allowance === undefined) return card;
  const maxOutputTokens = affordedOutput(card, promptTokens, allowance);
  if (maxOutputTokens === null) throw new AllowanceTooSmall(card, leastCost(card, promptTokens));
  return { ...card, maxOutputTokens };
}
