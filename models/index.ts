export { answerOne } from './answer-call.ts';
export { ModelError } from './model-failure.ts';
export { takeTurn } from './next-turn.ts';
export { loadRegistry, type Registry } from './registry.ts';
