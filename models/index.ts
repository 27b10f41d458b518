export { answerOne, type AnswerDeps } from './answer-call.ts';
export { ModelError, type ModelFailure } from './model-failure.ts';
export { takeTurn, type TurnDeps } from './next-turn.ts';
export type { CallProgress } from './provider.ts';
export { type CardDefaults, loadRegistry, type ModelRole, type Registry } from './registry.ts';
