import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RlmClient } from '../../client/index.ts';
import {
  type ScriptedMessage,
  type ScriptedModel,
  startScriptedModel,
} from '../../examples/support/scripted-model.ts';
import { loadWorkerConfig } from '../../worker/config.ts';
import { startWorker } from '../../worker/start-worker.ts';
import './quiet-worker.ts';
import { temporalAddress, workflowBundlePath } from './shared-server.ts';

export interface RealWorld {
  client: RlmClient;
  model: ScriptedModel;
  close(): Promise<void>;
}

export interface RealScript {
  /** The whole reply of a turn, in place of `root`. */
  reply?: (messages: readonly ScriptedMessage[], turn: number) => string;
  /** Python of the reply of a turn to a question. Sub-runs are asked too. */
  root: (question: string, turn: number) => string | Promise<string>;
  sub: (prompt: string) => string | Promise<string>;
  /** More settings of the worker. */
  env?: Record<string, string>;
}

const QUESTION = /Q:[^\n]*/;

/** All rooms as they are, against a scripted model server. Questions begin with `Q:`, so that the script finds them in its messages. */
export async function openRealWorld(
  { reply, root, sub, env }: RealScript,
  address = temporalAddress(),
  settings: Readonly<Record<string, string>> = {},
): Promise<RealWorld> {
  const home = await mkdtemp(join(tmpdir(), 'rlm-real-world-'));
  const model = await startScriptedModel({
    root: async (messages: readonly ScriptedMessage[], turn) => {
      if (reply !== undefined) return reply(messages, turn);
      const question = messages.map(({ content }) => QUESTION.exec(content)?.[0]).find(Boolean);
      return `\`\`\`python\n${await root(question ?? '', turn)}\n\`\`\``;
    },
    sub,
  });
  const config = loadWorkerConfig({
    ...process.env,
    TEMPORAL_ADDRESS: address,
    RLM_TASK_QUEUE: `real-${randomUUID()}`,
    RLM_HOME: home,
    ...settings,
  });
  const worker = await startWorker(config, {
    env: {
      OPENAI_BASE_URL: model.baseUrl,
      RLM_MODEL: 'root-model',
      RLM_SUB_MODEL: 'helper-model',
      ...env,
    },
    bundle: { codePath: workflowBundlePath() },
  });
  const { storeLocation: store, taskQueue } = config;
  const client = await RlmClient.connect({ address, store, taskQueue });
  return {
    client,
    model,
    close: async () => {
      await model.close();
      await client.close();
      await worker.shutdown();
      await rm(home, { recursive: true, force: true });
    },
  };
}
