import type { SourceAccess } from '../documents/index.ts';
import type { Registry } from '../models/index.ts';
import type { McpServers } from './mcp-servers.ts';
import type {
  AnswerCallInput,
  AnswerCallResult,
  BlobRef,
  CallMcpToolInput,
  CellOutcome,
  CheckAnswerInput,
  CheckAnswerResult,
  CheckCitationsInput,
  CitationCheck,
  CollectGarbageInput,
  CollectGarbageResult,
  CompactTranscriptInput,
  CompactTranscriptResult,
  CheckArgumentsInput,
  CheckArgumentsResult,
  FindAnsweredInput,
  FindAnsweredResult,
  FindAnswerInput,
  FindAnswerResult,
  IngestOptions,
  IngestResult,
  ManifestEntry,
  NextTurnInput,
  NextTurnResult,
  OpenReplInput,
  OpenReplResult,
  RecordSubRunInput,
  RecordToolResultInput,
  ReuseAnswersInput,
  ReuseAnswersResult,
  ResolvedSpec,
  RunCellInput,
  RunSpec,
  SealTrailInput,
  SealTrailResult,
  SentValue,
} from '../protocol/index.ts';
import type { Store } from '../store/index.ts';

/** What activities need; `worker/` builds the real ones. */
export interface ActivityDeps {
  store: Store;
  registry: Registry;
  /** Identity of the runtime that new runs use; see `Repl.runtime`. */
  runtime: string;
  /** The main queue of this deployment. */
  taskQueue: string;
  mcp: McpServers;
  /** What of the world outside the store `ingest` may read; nothing when absent. */
  access?: SourceAccess;
}

/** Short work on the store and the registry; main queue. */
export interface MainActivities {
  resolveSpec(spec: RunSpec): Promise<ResolvedSpec>;
  ingest(inputs: ManifestEntry[], options?: IngestOptions): Promise<IngestResult>;
  checkAnswer(input: CheckAnswerInput): Promise<CheckAnswerResult>;
  checkCitations(input: CheckCitationsInput): Promise<CitationCheck>;
  findAnswer(input: FindAnswerInput): Promise<FindAnswerResult>;
  recordSubRun(input: RecordSubRunInput): Promise<void>;
  reuseAnswers(input: ReuseAnswersInput): Promise<ReuseAnswersResult>;
  findAnswered(input: FindAnsweredInput): Promise<FindAnsweredResult>;
  sealTrail(input: SealTrailInput): Promise<SealTrailResult>;
  storeValue(value: SentValue): Promise<BlobRef>;
  checkArguments(input: CheckArgumentsInput): Promise<CheckArgumentsResult>;
  recordToolResult(input: RecordToolResultInput): Promise<void>;
  callMcpTool(input: CallMcpToolInput): Promise<void>;
  collectGarbage(input: CollectGarbageInput): Promise<CollectGarbageResult>;
}

/** Calls of models: the only ones whose process holds provider keys. */
export interface ModelActivities {
  nextTurn(input: NextTurnInput): Promise<NextTurnResult>;
  compactTranscript(input: CompactTranscriptInput): Promise<CompactTranscriptResult>;
  answerCall(input: AnswerCallInput): Promise<AnswerCallResult>;
}

/** Steps of the REPL. */
export interface ReplActivities {
  openRepl(input: OpenReplInput): Promise<OpenReplResult>;
  runCell(input: RunCellInput): Promise<CellOutcome>;
}

export type Activities = MainActivities & ModelActivities & ReplActivities;
