export { answerOne } from './answer-call.ts';
export { checkSchema, checkUsableSchema } from './check-schema.ts';
export { findCall } from './journal-calls.ts';
export { compactTranscript } from './compact-transcript.ts';
export { ModelError } from './model-failure.ts';
export { findSubRunAnswer, recordSubRunAnswer } from './sub-run-answer.ts';
export { takeTurn } from './next-turn.ts';
export { loadRegistry, type Registry } from './registry.ts';
export { AllowanceTooSmall } from './within-allowance.ts';
