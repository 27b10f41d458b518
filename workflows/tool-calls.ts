import { ApplicationFailure, proxyActivities, TimeoutFailure } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import {
  caps,
  clipBytes,
  FailureType,
  type ToolCallRef,
  type ToolRoute,
  utf8Bytes,
} from '../protocol/index.ts';
import { LIGHT, mcpCall, toolCall } from './activity-options.ts';
import { exhausted } from './budget.ts';
import type { ByteGate } from './byte-gate.ts';
import { NO_SPEND } from './ledger.ts';
import type { Arrival } from './rounds.ts';
import type { RunContext } from './run-context.ts';

const { checkArguments, recordToolResult } = proxyActivities<Activities>(LIGHT);
const { callMcpTool } = proxyActivities<Activities>(mcpCall());

/**
 * One call of a tool: its arguments are checked, the tool's activity is called, and what it returned is recorded like
 * the answer of a sub-call, so that a reset run finds it. It counts as a sub-call. A tool that fails is a failed result.
 */
export async function toolArrival(
  context: RunContext,
  at: ToolCallRef,
  position: string,
  gate: ByteGate,
): Promise<Arrival> {
  const { state, ledger } = context;
  const { budget, tools } = state.resolved;
  const route = tools?.routes.find(({ name }) => name === at.tool);
  if (route === undefined || tools === undefined) {
    return { kind: 'failed', type: 'Tool.Unknown', message: `This run has no tool ${at.tool}.` };
  }
  const row = `tool ${at.key.cell}.${at.key.cellAttempt}.${at.call}`;
  if (!ledger.grant(row, { calls: 1, costUsd: 0, tokens: null, computeMs: null })) {
    const over = exhausted(budget, state.spend) ?? 'nothing is left of the budget';
    return { kind: 'failed', type: FailureType.budgetExhausted, message: `Not called: ${over}.` };
  }
  try {
    const call = { ...at, toolbox: tools.toolbox };
    return await made(route, call, gate, `cell ${at.key.cell} · ${position}`);
  } finally {
    ledger.close(row, { ...NO_SPEND, calls: 1 });
  }
}

async function made(
  route: ToolRoute,
  at: ToolCallRef & { toolbox: string },
  gate: ByteGate,
  title: string,
): Promise<Arrival> {
  const summary = clipBytes(title, caps.SUMMARY_BYTES);
  if (route.kind === 'mcp') {
    // Checks, calls and records by itself: the answer of a server may be larger than what a history takes.
    const { server, tool: remoteTool } = route;
    await callMcpTool.executeWithOptions({ summary }, [{ ...at, server, remoteTool }]);
    return { kind: 'recorded' };
  }
  const checked = await checkArguments.executeWithOptions({ summary: `${summary} · arguments` }, [
    at,
  ]);
  if (checked.kind === 'settled') return { kind: 'recorded' };
  const result = await gate.pass(utf8Bytes(checked.json), () =>
    called(route, summary, JSON.parse(checked.json)),
  );
  const bytes = utf8Bytes(JSON.stringify(result ?? null));
  if (bytes > caps.TOOL_RESULT_BYTES) {
    const message = `${at.tool} returned ${bytes} bytes; at most ${caps.TOOL_RESULT_BYTES} can be taken: ask it for less.`;
    return { kind: 'failed', type: 'Tool.ResultTooLarge', message };
  }
  const { toolbox: _, ...call } = at;
  await gate.pass(bytes, () =>
    recordToolResult.executeWithOptions({ summary: `${summary} · result` }, [
      { ...call, result: result ?? null },
    ]),
  );
  return { kind: 'recorded' };
}

/** The tool itself: somebody's activity, in any language. */
async function called(
  route: ToolRoute & { kind: 'activity' },
  summary: string,
  args: unknown,
): Promise<unknown> {
  const activities = proxyActivities<Record<string, (args: unknown) => Promise<unknown>>>(
    toolCall(route),
  );
  try {
    return await activities[route.activity]?.executeWithOptions({ summary }, [args]);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (!(cause instanceof TimeoutFailure)) throw error;
    const why =
      cause.timeoutType === 'SCHEDULE_TO_START'
        ? `no worker took it from the task queue ${route.taskQueue}`
        : `it did not answer within ${route.timeoutMs / 1000} s`;
    throw ApplicationFailure.nonRetryable(`${route.name} failed: ${why}.`, 'Tool.Timeout');
  }
}
