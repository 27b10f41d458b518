export { clipBytes, forWebUi, utf8Bytes } from './clip.ts';
export {
  AnswerCallInput,
  AnswerCallResult,
  CheckAnswerInput,
  CheckAnswerResult,
} from './answer-call.ts';
export {
  Allowance,
  CallBatchInput,
  CallBatchResult,
  FindAnsweredInput,
  FindAnsweredResult,
  FindAnswerInput,
  FindAnswerResult,
  HandOver,
  RecordSubRunInput,
  SpendReport,
} from './call-batch.ts';
export {
  affordedOutput,
  type CallCost,
  IMAGE_TOKENS,
  LEAST_OUTPUT_TOKENS,
  leastCost,
  mostCost,
} from './call-cost.ts';
export * as caps from './caps.ts';
export {
  AnswerState,
  CellLimits,
  CellOutcome,
  CellWay,
  FinishedCell,
  HumanCall,
  RaisedError,
  RollBackReason,
  RolledBackCell,
  RunCellInput,
  StepKey,
  StepPlace,
  SubRunCall,
  ToolCalls,
  VariableChange,
  WaitingCell,
} from './cell.ts';
export {
  CheckCitationsInput,
  CheckedCitation,
  type Citation,
  CitationCheck,
  CitationReport,
  Citations,
} from './citation.ts';
export { Budget } from './budget.ts';
export { CallRanges, numbersOf, Ranges, toRanges } from './call-ranges.ts';
export { BlobRef, Digest } from './digest.ts';
export { FailureType } from './failure-types.ts';
export { ForkPoint, ForkSource } from './fork.ts';
export { CollectGarbageInput, CollectGarbageResult } from './garbage.ts';
export { HeapImageRef } from './heap-image.ts';
export { PackageRef, ResolvedPackage } from './package-ref.ts';
export {
  IngestOptions,
  IngestProgress,
  InputSource,
  InputSources,
  SourceList,
} from './input-source.ts';
export {
  CallAnswer,
  CallImage,
  CallRequest,
  Delivery,
  JournalCall,
  JournalLink,
  MOST_IMAGES,
} from './journal.ts';
export { asksOnce, CacheMode, ModelCard, ModelPrices } from './model-card.ts';
export { ownedBy, runOwner, scheduleOwner } from './owners.ts';
export {
  answerRecordKey,
  cachedAnswerKey,
  sharedAnswerKey,
  documentRecordKey,
  trailIndexKey,
  trailRecordKey,
  imageRecordKey,
  rebuiltRecordKey,
  turnRecordKey,
} from './record-keys.ts';
export { RunBranch } from './run-tree.ts';
export { ReuseAnswersInput, ReuseAnswersResult } from './reuse-answers.ts';
export { Draft, EndReason, Phase, Progress, RunResult, WaitingQuestion } from './run-result.ts';
export {
  FixedClock,
  IngestResult,
  OpenReplInput,
  OpenReplResult,
  ParentLink,
  ResolvedSpec,
  RunSpec,
  RunStart,
} from './run-spec.ts';
export {
  AnswerHumanInput,
  EditVariableInput,
  ExtendBudgetInput,
  SentValue,
  SteerInput,
} from './steering.ts';
export { blobsOfSpec } from './spec-blobs.ts';
export { Spend } from './spend.ts';
export { EMPTY_TEXT, TextRef } from './text-ref.ts';
export {
  CallMcpToolInput,
  CheckArgumentsInput,
  CheckArgumentsResult,
  RecordToolResultInput,
  Toolbox,
  ToolCallRef,
  ToolFunction,
  ToolParameter,
  ToolRoute,
  ToolSpec,
  ToolSpecs,
} from './tool.ts';
export { SealTrailInput, SealTrailResult, TrailEvent, TrailPiece } from './trail.ts';
export {
  CellObservation,
  CompactTranscriptInput,
  CompactTranscriptResult,
  NextTurnInput,
  NextTurnResult,
  Observation,
  OpaqueReasoning,
  TranscriptLink,
  TranscriptMessage,
} from './turn.ts';
export { addUsage, NO_USAGE, Usage } from './usage.ts';
export { Edit, Manifest, ManifestEntry, ValueFormat } from './variables.ts';
export {
  ANSWER_HUMAN_UPDATE,
  CALL_BATCH_WORKFLOW,
  DEFAULT_TASK_QUEUE,
  DRAFT_QUERY,
  DRAFTS_QUERY,
  EDIT_VARIABLE_UPDATE,
  EXTEND_BUDGET_UPDATE,
  FINISH_NOW_UPDATE,
  GARBAGE_WORKFLOW,
  HAND_OVER_SIGNAL,
  MEMO_CANCELLED,
  MEMO_FROM,
  MEMO_PROGRESS,
  hostTaskQueue,
  modelTaskQueue,
  PAUSE_TREE_SIGNAL,
  PAUSE_UPDATE,
  PROGRESS_QUERY,
  REPORT_SPEND_SIGNAL,
  RESUME_UPDATE,
  STEER_UPDATE,
  replTaskQueue,
  RUN_WORKFLOW,
  SEARCH_ATTRIBUTES,
  TREE_QUERY,
} from './wire-names.ts';
