/** Ends of the ids of a run's children: sub-runs `/3.1.2-ab12`, batches of calls `/3.1-calls-1-ab12` and their second tries. */
const CHILD = /\/\d+\.\d+(\.\d+-[0-9a-f]{4}|-calls-\d+-[0-9a-f]{4}(-\d+)?)$/;

/** Owner of all that a run and its tree of children keep in the store. */
export function runOwner(workflowId: string): string {
  let top = workflowId;
  while (CHILD.test(top)) top = top.replace(CHILD, '');
  return `run ${top}`;
}

/** Owner of the spec of a schedule's runs. */
export function scheduleOwner(scheduleId: string): string {
  return `schedule ${scheduleId}`;
}

/** The run or schedule that an owner stands for; null for one that no server knows. */
export function ownedBy(owner: string): { kind: 'run' | 'schedule'; id: string } | null {
  const [, kind, id = ''] = /^(run|schedule) ([^]*)$/.exec(owner) ?? [];
  return kind === 'run' || kind === 'schedule' ? { kind, id } : null;
}
