import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerOne, loadRegistry, type Registry, takeTurn } from '../../models/index.ts';
import {
  type AnswerCallInput,
  type AnswerCallResult,
  answerRecordKey,
  CallAnswer,
  type CallRequest,
  type Digest,
  type NextTurnInput,
  type NextTurnResult,
} from '../../protocol/index.ts';
import { getJson, memoryStore, putJson, putText, type Store } from '../../store/index.ts';
import {
  type FaultServer,
  type SeenRequest,
  type Served,
  startFaultServer,
} from '../support/fault-server.ts';

/** Models of a configuration file, all served by one faulty server, and a run that asks them. */
export interface ModelWorld {
  store: Store;
  server: FaultServer;
  registry: Registry;
  /** Asks a sub-call with this request; equal workflow ids, cells and requests are the same call. */
  ask(
    request: Partial<CallRequest>,
    options?: Partial<AnswerCallInput> & { attempt?: number; workflowId?: string },
  ): Promise<{ result: AnswerCallResult; answer: CallAnswer | undefined }>;
  turn(input?: Partial<NextTurnInput>, attempt?: number): Promise<NextTurnResult>;
  close(): Promise<void>;
}

/** `models`: fields of each beside its address. The first is the default of both roles. */
export async function openModelWorld(
  models: Record<string, Record<string, unknown>>,
  serve: (request: SeenRequest, number: number) => Served | Promise<Served>,
  store: Store = memoryStore(),
): Promise<ModelWorld> {
  const server = await startFaultServer(serve);
  const folder = mkdtempSync(join(tmpdir(), 'rlm-models-'));
  const entries = Object.entries(models).map(([name, fields]) => [
    name,
    { keyVariable: null, baseUrl: server.baseUrl, ...fields },
  ]);
  const path = join(folder, 'rlm.config.json');
  const config = { root: Object.keys(models)[0], models: Object.fromEntries(entries) };
  writeFileSync(path, JSON.stringify(config));
  const registry = loadRegistry({ RLM_CONFIG: path });
  rmSync(folder, { recursive: true });
  const key = { workflowId: 'run-1', cell: '1.1', cellAttempt: 1 };
  return {
    store,
    server,
    registry,
    ask: async (given, { attempt = 1, workflowId = 'run-1', ...options } = {}) => {
      const request: CallRequest = {
        kind: 'llm',
        prompt: 'q',
        model: null,
        context: null,
        ...given,
      };
      const { digest } = await putJson(store, request);
      const call = { number: 1, kind: request.kind, request: digest, preview: '' };
      const round = await putJson(store, { kind: 'round', previous: null, calls: [call] });
      const card = await registry.card(null, 'sub', { taskQueue: 'q' });
      const at = { ...key, workflowId };
      const input = { key: at, journal: round.digest, call: 1, card, ...options };
      const result = await answerOne({ store, registry, input, attempt });
      const record = await store.records.find(answerRecordKey(at, 1, digest));
      const answer = record === undefined ? undefined : await getJson(store, record, CallAnswer);
      return { result, answer };
    },
    turn: async (given = {}, attempt = 1) => {
      const manifest: Digest = (await putJson(store, { entries: [] })).digest;
      const input: NextTurnInput = {
        workflowId: 'run-1',
        turn: 1,
        card: await registry.card(null, 'root', { taskQueue: 'q' }),
        subModel: 'm',
        question: await putText(store, 'How long is the term?'),
        manifest,
        depth: 0,
        maxDepth: 1,
        transcript: null,
        observation: null,
        ...given,
      };
      return await takeTurn({ store, registry, input, attempt });
    },
    close: () => server.close(),
  };
}
