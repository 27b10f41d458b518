import { findCall } from '../models/index.ts';
import {
  answerRecordKey,
  type CallAnswer,
  CallRequest,
  caps,
  type CheckArgumentsInput,
  type Digest,
  FailureType,
  NO_USAGE,
  type ToolCallRef,
  Toolbox,
} from '../protocol/index.ts';
import { getJson, putJson, type Store } from '../store/index.ts';
import { checkSchema } from '../models/index.ts';

/** What a call of a tool asks for; null when its answer is a record already, by an earlier attempt or because its arguments do not fit. */
export async function requestedCall(
  store: Store,
  input: CheckArgumentsInput,
): Promise<string | null> {
  const { request } = await findCall(store, input.journal, input.call);
  const record = answerRecordKey(input.key, input.call, request);
  if ((await store.records.find(record)) !== undefined) return null;
  const { prompt } = await getJson(store, request, CallRequest);
  const { functions } = await getJson(store, input.toolbox, Toolbox);
  const schema = functions.find(({ name }) => name === input.tool)?.schema;
  const problem =
    schema === undefined ? `there is no tool ${input.tool}` : await problemOf(prompt, schema);
  if (problem === null) return prompt;
  const type = FailureType.invalidInput;
  await recordAnswer(store, record, {
    status: 'failed',
    type,
    message: `${input.tool} was not called: ${problem}`.slice(0, 500),
  });
  return null;
}

async function problemOf(json: string, schema: Record<string, unknown>): Promise<string | null> {
  const bytes = Buffer.byteLength(json);
  if (bytes > caps.TOOL_ARGUMENTS_BYTES) {
    return `its arguments are ${bytes} bytes of JSON, at most ${caps.TOOL_ARGUMENTS_BYTES} are allowed.`;
  }
  const problems = await checkSchema(
    json,
    JSON.stringify({ type: 'object', ...schema }),
    'arguments',
  );
  return problems.length === 0 ? null : problems.join(' ');
}

/** Records what a tool returned. Twice without harm: the first writer's answer stays. */
export async function recordToolAnswer(
  store: Store,
  { key, journal, call, tool }: ToolCallRef,
  answer: Pick<CallAnswer & { status: 'ok' }, 'text' | 'format'> | { failed: string },
): Promise<void> {
  const { request } = await findCall(store, journal, call);
  const record = answerRecordKey(key, call, request);
  await recordAnswer(
    store,
    record,
    'failed' in answer
      ? { status: 'failed', type: 'Tool.Failed', message: answer.failed }
      : { status: 'ok', model: tool, finishReason: 'stop', usage: NO_USAGE, ...answer },
  );
}

async function recordAnswer(store: Store, record: string, answer: CallAnswer): Promise<Digest> {
  const { digest } = await putJson(store, answer);
  return store.records.create(record, digest);
}
