import {
  CallMcpToolInput,
  CheckArgumentsInput,
  type CheckArgumentsResult,
  RecordToolResultInput,
} from '../protocol/index.ts';
import type { ActivityDeps, MainActivities } from './contract.ts';
import { withHeartbeat } from './heartbeat.ts';
import type { McpServers } from './mcp-servers.ts';
import { recordToolAnswer, requestedCall } from './tool-request.ts';

type Deps = Pick<ActivityDeps, 'store'>;

/** Whether a call of a tool is to be made, and with what: what does not fit its schema is an answer already, and the tool is not bothered. */
export function createCheckArguments({ store }: Deps): MainActivities['checkArguments'] {
  return async function checkArguments(input: CheckArgumentsInput): Promise<CheckArgumentsResult> {
    return withHeartbeat(async () => {
      const json = await requestedCall(store, CheckArgumentsInput.parse(input));
      return json === null ? { kind: 'settled' } : { kind: 'call', json };
    });
  };
}

/** Records what a tool's activity returned: a text as it is, anything else as JSON. */
export function createRecordToolResult({ store }: Deps): MainActivities['recordToolResult'] {
  return async function recordToolResult(input: RecordToolResultInput): Promise<void> {
    return withHeartbeat(async () => {
      const { result, ...call } = RecordToolResultInput.parse(input);
      await recordToolAnswer(store, call, answerOf(result));
    });
  };
}

/**
 * Calls a tool of an MCP server and records its answer. An attempt that finds the record calls nobody; one whose
 * predecessor died after the server had acted calls again, since MCP knows no way to ask what was done.
 */
export function createCallMcpTool({
  store,
  mcp,
}: Deps & { mcp: McpServers }): MainActivities['callMcpTool'] {
  return async function callMcpTool(input: CallMcpToolInput): Promise<void> {
    return withHeartbeat(async ({ signal }) => {
      const { server, remoteTool, ...at } = CallMcpToolInput.parse(input);
      const json = await requestedCall(store, at);
      if (json === null) return;
      await recordToolAnswer(
        store,
        at,
        await mcp.call(server, remoteTool, JSON.parse(json), signal),
      );
    });
  };
}

function answerOf(result: unknown): { text: string; format: 'text' | 'json' } {
  if (typeof result === 'string') return { text: result.toWellFormed(), format: 'text' };
  return { text: JSON.stringify(result ?? null, null, 2).toWellFormed(), format: 'json' };
}
