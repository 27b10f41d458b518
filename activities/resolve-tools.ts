import { z } from 'zod';
import {
  caps,
  type ResolvedSpec,
  type RunSpec,
  type ToolFunction,
  type ToolRoute,
  ToolSpec,
} from '../protocol/index.ts';
import { describeTool, InvalidTool } from '../repl/index.ts';
import { getJson, InvalidInput, putJson, type Store } from '../store/index.ts';
import { checkUsableSchema } from '../models/index.ts';
import type { McpServers } from './mcp-servers.ts';

interface Offered {
  /** Where it stands in the spec, for errors. */
  path: string;
  name: string;
  /** Taken when the name cannot be. */
  otherName?: string;
  description: string;
  schema: Record<string, unknown>;
  route: (name: string) => ToolRoute;
}

/** The tools of a run as functions of its REPL, and where their calls go. Throws InvalidInput, which names the path in the spec. */
export async function resolveTools(
  { store, mcp }: { store: Store; mcp: McpServers },
  spec: RunSpec,
): Promise<ResolvedSpec['tools']> {
  const offered = [...(await ownTools(store, spec)), ...(await serverTools(mcp, spec))];
  if (offered.length === 0) return undefined;
  if (offered.length > caps.TOOLS) {
    throw new InvalidInput(
      `spec.tools: ${offered.length} tools, at most ${caps.TOOLS} are allowed`,
    );
  }
  const taken = new Set<string>();
  const functions: ToolFunction[] = [];
  const routes: ToolRoute[] = [];
  for (const tool of offered) {
    const made = describe(tool, taken);
    taken.add(made.name).add(`${made.name}_async`);
    functions.push(made);
    routes.push(tool.route(made.name));
  }
  return { toolbox: (await putJson(store, { functions })).digest, routes };
}

function describe(tool: Offered, taken: ReadonlySet<string>): ToolFunction {
  try {
    checkUsableSchema(tool.schema);
    return named(tool, taken);
  } catch (error) {
    const field = error instanceof InvalidTool ? error.field : 'parameters';
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidInput(`${tool.path}.${field}: ${why}`);
  }
}

/** Who names a server cannot rename its tools: one whose name is taken is called by both names. */
function named(tool: Offered, taken: ReadonlySet<string>): ToolFunction {
  try {
    return describeTool(tool, taken);
  } catch (error) {
    if (tool.otherName === undefined) throw error;
    if (!(error instanceof InvalidTool) || error.field !== 'name') throw error;
    return describeTool({ ...tool, name: tool.otherName }, taken);
  }
}

async function ownTools(store: Store, spec: RunSpec): Promise<Offered[]> {
  if (spec.tools === undefined) return [];
  const listed = await getJson(store, spec.tools, z.array(z.unknown()));
  return listed.map((entry, index) => {
    const path = `spec.tools.${index}`;
    const parsed = ToolSpec.safeParse(entry);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new InvalidInput(`${[path, ...(issue?.path ?? [])].join('.')}: ${issue?.message}`);
    }
    const {
      name,
      description,
      parameters,
      activity = name,
      taskQueue,
      timeoutMs = 60_000,
      attempts = 3,
    } = parsed.data;
    return {
      path,
      name,
      description,
      schema: parameters,
      route: (python) => ({
        kind: 'activity',
        name: python,
        activity,
        taskQueue,
        timeoutMs,
        attempts,
      }),
    };
  });
}

/** Listed once, when the run starts: what a server offers later is none of this run's. */
async function serverTools(mcp: McpServers, spec: RunSpec): Promise<Offered[]> {
  const offered: Offered[] = [];
  for (const [index, server] of (spec.mcp ?? []).entries()) {
    for (const { name, description, schema } of await mcp.list(server)) {
      offered.push({
        path: `spec.mcp.${index}.${name}`,
        name,
        otherName: `${server}_${name}`,
        description: description.slice(0, 8000),
        schema,
        route: (python) => ({ kind: 'mcp', name: python, server, tool: name }),
      });
    }
  }
  return offered;
}
