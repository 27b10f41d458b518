import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** How to reach one MCP server: a program on this machine, or an address. */
export const McpServerConfig = z.union([
  z.strictObject({
    command: z.string().min(1),
    args: z.array(z.string()).default([]),
    /** The program sees these and nothing else of the worker's environment but PATH and HOME. */
    env: z.record(z.string(), z.string()).default({}),
  }),
  z.strictObject({
    url: z.url(),
    headers: z.record(z.string(), z.string()).default({}),
  }),
]);
export type McpServerConfig = z.infer<typeof McpServerConfig>;

const McpConfig = z.object({ mcpServers: z.record(z.string(), McpServerConfig) });

/** The configuration of MCP servers cannot be used; the message names the file and what is wrong. */
export class McpConfigInvalid extends Error {
  override readonly name = 'McpConfigInvalid';
}

/** Reads the servers that `RLM_MCP_CONFIG` names: a JSON file with `mcpServers`, as other MCP clients have it. None without it. */
export function loadMcpConfig(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, McpServerConfig> {
  const path = env['RLM_MCP_CONFIG'];
  if (path === undefined || path === '') return {};
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new McpConfigInvalid(`RLM_MCP_CONFIG names ${path}, which cannot be read: ${why}.`);
  }
  const parsed = McpConfig.safeParse(json);
  if (parsed.success) return parsed.data.mcpServers;
  const [issue] = parsed.error.issues;
  throw new McpConfigInvalid(
    `RLM_MCP_CONFIG names ${path}, which is not valid: ${issue?.path.join('.') || 'file'}: ${issue?.message}.`,
  );
}
