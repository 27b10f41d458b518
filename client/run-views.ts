import { type Client, isGrpcCancelledError, isGrpcDeadlineError } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import {
  Draft,
  DRAFTS_QUERY,
  IngestProgress,
  MEMO_PROGRESS,
  Progress,
  RUN_WORKFLOW,
  RunBranch,
  TREE_QUERY,
} from '../protocol/index.ts';
import { ServerUnavailable } from './errors.ts';
import { toClientError } from './to-client-error.ts';

/** A run and the sub-runs that it started. */
export interface RunTree {
  workflowId: string;
  status: string;
  /** As of its last turn. */
  progress: Progress | null;
  children: RunTree[];
}

/** Time for a worker to answer a query, ms. */
const QUERY_MS = 10_000;
const BRANCH_MS = 2000;

/** How far the reading of a run's inputs is, from the heartbeats of its worker (some seconds old); null when none is under way. */
export async function readIngestProgress(
  temporal: Client,
  workflowId: string,
): Promise<IngestProgress | null> {
  try {
    const { raw } = await temporal.workflow.getHandle(workflowId).describe();
    const ingest = raw.pendingActivities?.find(
      ({ activityType }) => activityType?.name === 'ingest',
    );
    const [details] = ingest?.heartbeatDetails?.payloads ?? [];
    if (details === undefined) return null;
    return IngestProgress.safeParse(defaultPayloadConverter.fromPayload(details)).data ?? null;
  } catch (error) {
    throw toClientError(error, { workflowId });
  }
}

/** The newest drafts of a run's answer, oldest first, with their numbers. Needs a worker of the run, also after its end. */
export async function readDrafts(temporal: Client, workflowId: string): Promise<Draft[]> {
  const handle = temporal.workflow.getHandle(workflowId);
  try {
    const drafts = await temporal.withDeadline(Date.now() + QUERY_MS, () =>
      handle.query<unknown>(DRAFTS_QUERY),
    );
    return Draft.array().parse(drafts);
  } catch (error) {
    // The server knows the deadline too, and cancels the call when it is the first to see it pass.
    if (isGrpcDeadlineError(error) || isGrpcCancelledError(error)) {
      throw new ServerUnavailable(
        `No worker of run ${workflowId} answered within ${QUERY_MS / 1000} s; start one (rlm worker).`,
        { cause: error },
      );
    }
    throw toClientError(error, { workflowId });
  }
}

/**
 * The run with all its sub-runs, from the server's index, which is about a second behind; what it does not know yet the
 * run itself says, when a worker serves it. Earlier executions of a run that continued as new are left out.
 */
export async function readTree(temporal: Client, workflowId: string): Promise<RunTree> {
  const runs = new Map<string, RunTree & { parent: string | undefined }>();
  try {
    const root = await temporal.workflow.getHandle(workflowId).describe();
    const query = `RootWorkflowId = '${quoted(root.rootExecution?.workflowId ?? workflowId)}' AND WorkflowType = '${RUN_WORKFLOW}'`;
    for await (const found of temporal.workflow.list({ query })) add(runs, found);
    // The index may not know it yet.
    add(runs, root);
  } catch (error) {
    throw toClientError(error, { workflowId });
  }
  for (const { workflowId: id, kind } of (await readBranch(temporal, workflowId))?.children ?? []) {
    if (kind === 'batch' || runs.has(id)) continue;
    runs.set(id, { ...UNLISTED, workflowId: id, children: [], parent: workflowId });
  }
  for (const run of runs.values()) runs.get(run.parent ?? '')?.children.push(run);
  const { parent: _, ...tree } = runs.get(workflowId) ?? {
    parent: undefined,
    workflowId,
    status: 'UNKNOWN',
    progress: null,
    children: [],
  };
  return tree;
}

const UNLISTED = { status: 'RUNNING', progress: null };

/** What a run says itself of what it has under way; null when no worker serves it. */
export async function readBranch(temporal: Client, workflowId: string): Promise<RunBranch | null> {
  try {
    const branch = await temporal.withDeadline(Date.now() + BRANCH_MS, () =>
      temporal.workflow.getHandle(workflowId).query<unknown>(TREE_QUERY),
    );
    return RunBranch.nullable().parse(branch);
  } catch {
    // The index tells all that is older.
    return null;
  }
}

type Found = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['describe']>>;

function add(
  runs: Map<string, RunTree & { parent: string | undefined }>,
  found: Pick<Found, 'workflowId' | 'status' | 'memo' | 'parentExecution'>,
): void {
  const known = runs.get(found.workflowId);
  // The newest execution is listed first.
  if (known !== undefined && found.status.name === 'CONTINUED_AS_NEW') return;
  runs.set(found.workflowId, {
    workflowId: found.workflowId,
    status: found.status.name,
    progress: Progress.nullable().safeParse(found.memo?.[MEMO_PROGRESS] ?? null).data ?? null,
    children: known?.children ?? [],
    parent: found.parentExecution?.workflowId ?? undefined,
  });
}

function quoted(text: string): string {
  return text.replaceAll("'", "''");
}
