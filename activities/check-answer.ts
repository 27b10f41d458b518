import { CheckAnswerInput, type CheckAnswerResult } from '../protocol/index.ts';
import { getText } from '../store/index.ts';
import type { ActivityDeps, MainActivities } from './contract.ts';
import { checkSchema } from '../models/index.ts';
import { withHeartbeat } from './heartbeat.ts';

/** Whether a draft can be the answer: not blank, and by its JSON Schema when the run has one. Problems are sentences for the model. */
export function createCheckAnswer({
  store,
}: Pick<ActivityDeps, 'store'>): MainActivities['checkAnswer'] {
  return async function checkAnswer(input: CheckAnswerInput): Promise<CheckAnswerResult> {
    return withHeartbeat(async () => {
      const { draft, schema } = CheckAnswerInput.parse(input);
      const text = await getText(store, draft);
      if (text.trim() === '') return refuse(['answer["content"] is blank.']);
      if (schema === null) return { ok: true, problems: [] };
      return toResult(await checkSchema(text, await getText(store, schema)));
    });
  };
}

function toResult(problems: string[]): CheckAnswerResult {
  return problems.length === 0 ? { ok: true, problems } : refuse(problems);
}

function refuse(problems: string[]): CheckAnswerResult {
  return { ok: false, problems: problems.slice(0, 20).map((problem) => problem.slice(0, 500)) };
}
