import type { Repl } from '../repl/index.ts';
import { createAnswerCall } from './answer-call.ts';
import { createCompactTranscript } from './compact-transcript.ts';
import { createCheckAnswer } from './check-answer.ts';
import { createCheckCitations } from './check-citations.ts';
import { createFindAnswered } from './find-answered.ts';
import { createIngest } from './ingest.ts';
import { createNextTurn } from './next-turn.ts';
import { createOpenRepl } from './open-repl.ts';
import { createResolveSpec } from './resolve-spec.ts';
import { createReuseAnswers } from './reuse-answers.ts';
import { createRunCell } from './run-cell.ts';
import { createSealTrail } from './seal-trail.ts';
import { createStoreValue } from './store-value.ts';
import { createCallMcpTool, createCheckArguments, createRecordToolResult } from './tool-calls.ts';
import { createCollectGarbage } from './collect-garbage.ts';
import { createFindAnswer, createRecordSubRun } from './sub-run-answer.ts';
import type { Store } from '../store/index.ts';
import type { ActivityDeps, MainActivities, ModelActivities, ReplActivities } from './contract.ts';

export { InvalidDocument, loadSourceAccess, type SourceAccess } from '../documents/index.ts';
export { loadMcpConfig, McpConfigInvalid } from './mcp-config.ts';
export { stepsBehind } from './lost-images.ts';
export { McpServers } from './mcp-servers.ts';
export type {
  Activities,
  ActivityDeps,
  MainActivities,
  ModelActivities,
  ReplActivities,
} from './contract.ts';

export function createMainActivities(deps: ActivityDeps): MainActivities {
  return {
    resolveSpec: createResolveSpec(deps),
    ingest: createIngest(deps),
    checkAnswer: createCheckAnswer(deps),
    checkCitations: createCheckCitations(deps),
    findAnswer: createFindAnswer(deps),
    recordSubRun: createRecordSubRun(deps),
    reuseAnswers: createReuseAnswers(deps),
    findAnswered: createFindAnswered(deps),
    sealTrail: createSealTrail(deps),
    storeValue: createStoreValue(deps),
    checkArguments: createCheckArguments(deps),
    recordToolResult: createRecordToolResult(deps),
    callMcpTool: createCallMcpTool(deps),
    collectGarbage: createCollectGarbage(deps),
  };
}

export function createModelActivities(
  deps: Pick<ActivityDeps, 'store' | 'registry'>,
): ModelActivities {
  return {
    nextTurn: createNextTurn(deps),
    compactTranscript: createCompactTranscript(deps),
    answerCall: createAnswerCall(deps),
  };
}

export function createReplActivities(deps: { repl: Repl; store: Store }): ReplActivities {
  return { openRepl: createOpenRepl(deps), runCell: createRunCell(deps) };
}
