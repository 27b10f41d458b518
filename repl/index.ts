export type { HostQueue } from './host-room.ts';
export { ImageIncompatible, KernelCrashed } from './errors.ts';
export { isLost } from './image-blob.ts';
export { imageReferences } from './image-chain.ts';
export { findAnswered } from './find-answered.ts';
export { findImage } from './image-ref.ts';
export { describeTool, InvalidTool, RESERVED_NAMES } from './tool-functions.ts';
export type { ImageRebuilder } from './rebuild-images.ts';
export { recordedSteps, type RecordedStep } from './recorded-steps.ts';
export { takeOverImage } from './take-over-image.ts';
export { AnswerMissing } from './journal.ts';
export { reuseAnswers } from './reuse-answers.ts';
export {
  openRepl,
  prepareBaseImage,
  type Repl,
  type ReplOptions,
  type ReplStats,
  type StepProgress,
} from './repl.ts';
