import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RlmClient, type RunRequest } from '../../client/index.ts';
import { type ScriptedMessage, startScriptedModel } from '../../examples/support/scripted-model.ts';
import { loadWorkerConfig, type RunningWorker, startWorker } from '../../worker/index.ts';
import { temporalAddress, workflowBundlePath } from '../support/shared-server.ts';
import '../support/quiet-worker.ts';

export interface ScriptedCells {
  client: RlmClient;
  /** Python of each turn, by the question. */
  scripts: Map<string, string[]>;
  /** What the root model was sent last. */
  sent: readonly ScriptedMessage[];
  /** Starts a worker of these runs; who starts it shuts it down. */
  open: () => Promise<RunningWorker>;
  /** A run whose turns are these cells. */
  run: (
    question: string,
    cells: string[],
    request?: Partial<RunRequest>,
  ) => Promise<Awaited<ReturnType<RlmClient['run']>>>;
  close: () => Promise<void>;
}

/** Workers as they are, with these MCP servers, against a root model whose turns are cells by the question. */
export async function scriptCells(mcpServers: object = {}): Promise<ScriptedCells> {
  const home = mkdtempSync(join(tmpdir(), 'rlm-cells-'));
  const scripts = new Map<string, string[]>();
  const sent: ScriptedMessage[] = [];

  function reply(messages: readonly ScriptedMessage[], turn: number): string {
    sent.splice(0, sent.length, ...messages);
    const said = messages.filter(({ role }) => role === 'user').map(({ content }) => content);
    const asked = [...scripts].findLast(([question]) =>
      said.some((text) => text.includes(question)),
    );
    const code = asked?.[1][turn - 1] ?? 'answer["ready"] = True';
    return `I go on.\n\`\`\`python\n${code}\n\`\`\``;
  }

  const model = await startScriptedModel({ root: reply });
  const mcp = join(home, 'mcp.json');
  writeFileSync(mcp, JSON.stringify({ mcpServers }));
  const env = {
    ...process.env,
    TEMPORAL_ADDRESS: temporalAddress(),
    RLM_HOME: home,
    RLM_TASK_QUEUE: `whole-${randomUUID()}`,
    RLM_MCP_CONFIG: mcp,
    OPENAI_BASE_URL: model.baseUrl,
    OPENAI_API_KEY: 'none',
    RLM_MODEL: 'stand-in-root',
    RLM_SUB_MODEL: 'stand-in-sub',
  };
  const config = loadWorkerConfig(env);
  const client = await RlmClient.connect({
    address: temporalAddress(),
    store: config.storeLocation,
    taskQueue: config.taskQueue,
  });
  return {
    client,
    scripts,
    sent,
    open: () => startWorker(config, { env, bundle: { codePath: workflowBundlePath() } }),
    run: async (question, cells, request = {}) => {
      scripts.set(question, cells);
      return client.run({ question, input: 'text', ...request });
    },
    close: async () => {
      await client.close();
      await model.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
