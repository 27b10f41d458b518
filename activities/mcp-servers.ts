import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import {
  getDefaultEnvironment,
  StdioClientTransport,
} from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { z } from 'zod';
import { InvalidInput } from '../store/index.ts';
import type { McpServerConfig } from './mcp-config.ts';

/** A tool as its server describes it. */
export interface McpTool {
  name: string;
  description: string;
  schema: Record<string, unknown>;
}

export type McpAnswer = { text: string; format: 'text' | 'json' } | { failed: string };

/** Of one call, ms; the activity has a little more. */
const CALL_MS = 240_000;
const LIST_MS = 30_000;
const MAX_PAGES = 50;

/** The MCP servers of this worker, by name. A server is connected when it is first needed, and again after its connection ended. */
export class McpServers {
  readonly #configs: Readonly<Record<string, McpServerConfig>>;
  readonly #clients = new Map<string, Promise<Client>>();

  constructor(configs: Readonly<Record<string, McpServerConfig>>) {
    this.#configs = configs;
  }

  /** All tools of a server. Throws InvalidInput for a server that no configuration names. */
  async list(server: string): Promise<McpTool[]> {
    const client = await this.#client(server);
    const tools: McpTool[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const params = cursor === undefined ? {} : { cursor };
      const listed = await client.listTools(params, { timeout: LIST_MS });
      for (const { name, description = '', inputSchema } of listed.tools) {
        tools.push({ name, description, schema: inputSchema });
      }
      cursor = listed.nextCursor;
      if (cursor === undefined) break;
    }
    return tools;
  }

  /** Calls a tool. What the tool itself says to be wrong is an answer; a lost connection throws. */
  async call(
    server: string,
    name: string,
    args: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<McpAnswer> {
    const client = await this.#client(server);
    const request = { method: 'tools/call', params: { name, arguments: args } } as const;
    const options = { signal, timeout: CALL_MS, resetTimeoutOnProgress: true };
    return answerOf(await client.request(request, CallToolResultSchema, options));
  }

  /** Ends all connections and the programs behind them. */
  async close(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.allSettled(clients.map(async (client) => (await client).close()));
  }

  async #client(server: string): Promise<Client> {
    const config = this.#configs[server];
    if (config === undefined) {
      const known = Object.keys(this.#configs);
      throw new InvalidInput(
        `spec.mcp: no MCP server is called ${server}; ${known.length === 0 ? 'the worker has none (RLM_MCP_CONFIG)' : `there are ${known.join(', ')}`}`,
      );
    }
    const connected = this.#clients.get(server) ?? this.#connect(server, config);
    this.#clients.set(server, connected);
    return connected;
  }

  async #connect(server: string, config: McpServerConfig): Promise<Client> {
    const client = new Client({ name: 'durable-rlm', version: '0.1.0' });
    // The next call connects anew.
    const forget = (): void => void this.#clients.delete(server);
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- it is no event target: this is how it tells.
    client.onclose = forget;
    try {
      await client.connect(transportOf(config), { timeout: LIST_MS });
      return client;
    } catch (error) {
      forget();
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`The MCP server ${server} cannot be reached: ${why}.`, { cause: error });
    }
  }
}

function transportOf(config: McpServerConfig): Transport {
  if ('url' in config) {
    return new StreamableHTTPClientTransport(new URL(config.url), {
      requestInit: { headers: config.headers },
    });
  }
  const { command, args, env } = config;
  return new StdioClientTransport({
    command,
    args,
    env: { ...getDefaultEnvironment(), ...env },
    stderr: 'ignore',
  });
}

/** Structured content as JSON; else the texts of the answer, and a word for each part that is none. */
function answerOf(result: z.infer<typeof CallToolResultSchema>): McpAnswer {
  const text = result.content
    .map((part) => (part.type === 'text' ? part.text : `[${part.type}]`))
    .join('\n')
    .toWellFormed();
  if (result.isError === true) return { failed: text.slice(0, 2000) || 'The tool failed.' };
  if (result.structuredContent === undefined)
    return { text, format: isJson(text) ? 'json' : 'text' };
  return { text: JSON.stringify(result.structuredContent, null, 2).toWellFormed(), format: 'json' };
}

/** Many servers write their JSON as text. */
function isJson(text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
