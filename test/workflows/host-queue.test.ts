import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { RunCancelled } from '../../client/index.ts';
import { type CellOutcome, FailureType, type WaitingCell } from '../../protocol/index.ts';
import { putText } from '../../store/index.ts';
import { openWorld, type Script, type World } from './fake-world.ts';
import { finished } from './states.ts';

// Scope: where the workflow sends the next step of a run, and where it goes when that fails. Rooms are scripted.

const JOURNAL = `sha256:${'1'.repeat(64)}`;
let world: World;
afterEach(() => world.close());

function kept(queue: string): { place: NonNullable<CellOutcome['place']> } {
  return { place: { way: 'parked', host: 'machine/1/2', queue } };
}

function waiting(queue: string): WaitingCell {
  const calls = { firstCall: 1, callCount: 1, previews: [], subRuns: [] };
  return {
    kind: 'waiting',
    journal: JOURNAL,
    ...calls,
    computeMs: 1,
    way: 'fresh',
    ...kept(queue),
  };
}

async function ready(): Promise<CellOutcome> {
  return finished({ answer: { content: await putText(world.store, 'Done.'), ready: true } });
}

/** Cells by turn and journal, wherever they run; where each ran. */
async function open(
  queue: string,
  cell: Script['cell'],
  onHost: Script['cell'] | null = cell,
): Promise<string[]> {
  const ran: string[] = [];
  const noted =
    (where: string, run: Script['cell']): Script['cell'] =>
    (input) => {
      ran.push(`${where} ${input.key.cell}${input.journal === null ? '' : ' resumed'}`);
      return run(input);
    };
  world = await openWorld({
    reply: ({ turn }) => [`cell_of(${turn})`],
    cell: noted('any', cell),
    ...(onHost === null ? {} : { hosts: { [queue]: noted('host', onHost) } }),
  });
  return ran;
}

/** Waits once in its first cell, is ready in its second. */
function twoCells(queue: string): Script['cell'] {
  return ({ key, journal }) => {
    if (key.cell !== '1.1') return ready();
    return journal === null ? waiting(queue) : finished(kept(queue));
  };
}

async function activities(workflowId: string): Promise<string[]> {
  const { events } = await world.client.temporal.workflow.getHandle(workflowId).fetchHistory();
  const decode = (data: Uint8Array | null | undefined): string =>
    JSON.parse(Buffer.from(data ?? []).toString() || '""') as string;
  return (events ?? []).flatMap((event) =>
    event.activityTaskScheduledEventAttributes?.activityType?.name === 'runCell'
      ? [decode(event.userMetadata?.summary?.data)]
      : [],
  );
}

describe('the next step of a run', () => {
  test('goes to the worker that keeps its kernel: the cell that waited, and the cell after it', async () => {
    const queue = `host-${randomUUID()}`;
    const ran = await open(queue, twoCells(queue));
    const { result } = await world.run();
    expect(result.reason).toBe('answered');
    expect(ran).toEqual(['any 1.1', 'host 1.1 resumed', 'host 2.1']);
  });

  test('goes to any worker when that one is gone, after half a second, and the history says so', async () => {
    const queue = `host-${randomUUID()}`;
    const ran = await open(queue, twoCells(queue), null);
    const from = performance.now();
    const { result, workflowId } = await world.run();
    expect(performance.now() - from).toBeGreaterThan(2 * 500);
    expect(result.reason).toBe('answered');
    expect(ran).toEqual(['any 1.1', 'any 1.1 resumed', 'any 2.1']);
    expect(await activities(workflowId)).toEqual([
      'cell 1.1 · cell_of(1)',
      'cell 1.1 · goes on after round 1',
      'cell 1.1 · goes on after round 1 · on any worker',
      'cell 2.1 · cell_of(2)',
      'cell 2.1 · cell_of(2) · on any worker',
    ]);
  });

  test.each([
    ['crashes', () => ApplicationFailure.retryable('The host ended.', FailureType.kernelCrashed)],
    ['fails for good', () => ApplicationFailure.nonRetryable('Gone.', FailureType.blobMissing)],
  ])('goes to any worker when that one %s: it is tried there once', async (_, failure) => {
    const queue = `host-${randomUUID()}`;
    const ran = await open(queue, twoCells(queue), () => {
      throw failure();
    });
    await world.run();
    expect(ran).toEqual(['any 1.1', 'host 1.1 resumed', 'any 1.1 resumed', 'host 2.1', 'any 2.1']);
  });

  test('is handed over when that one shuts down while it runs', async () => {
    const queue = `host-${randomUUID()}`;
    const ran = await open(queue, twoCells(queue), async () => {
      setTimeout(() => world.stopHosts(), 100);
      await Context.current().cancelled;
      return finished();
    });
    const { result } = await world.run();
    expect(result.reason).toBe('answered');
    expect(ran).toEqual(['any 1.1', 'host 1.1 resumed', 'any 1.1 resumed', 'any 2.1']);
  });

  test('is not run again when the run is cancelled while it runs', async () => {
    const queue = `host-${randomUUID()}`;
    const began = Promise.withResolvers<void>();
    const ran = await open(queue, twoCells(queue), async () => {
      began.resolve();
      const { cancelled, heartbeat } = Context.current();
      const beat = setInterval(() => heartbeat.call(Context.current()), 100);
      try {
        await cancelled;
      } finally {
        clearInterval(beat);
      }
      return finished();
    });
    const { workflowId } = await world.client.start({ question: 'Why?', input: 'text' });
    await began.promise;
    await world.client.cancel(workflowId);
    await expect(world.client.result(workflowId)).rejects.toBeInstanceOf(RunCancelled);
    expect(ran).toEqual(['any 1.1', 'host 1.1 resumed']);
  });
});
