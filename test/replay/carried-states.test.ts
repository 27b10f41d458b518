import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import type { CellOutcome, RunCellInput } from '../../protocol/index.ts';
import { putText } from '../../store/index.ts';
import { type EmbeddedServer, startEmbeddedServer } from '../../worker/embedded-server.ts';
import { parseCarried } from '../../workflows/parse-start.ts';
import { finished } from '../workflows/states.ts';

// Scope: what an older version carried over, every later one must read: else live runs end when they are continued.
// Record more of them: RLM_RECORD_HISTORIES=1 npm test -- test/replay/carried-states

const FOLDER = join(import.meta.dirname, 'states');
const record = process.env['RLM_RECORD_HISTORIES'] === '1';

let server: EmbeddedServer | undefined;
afterAll(() => server?.stop());

/** A run of many short rounds in one cell after some turns with drafts: its history is cut in both. */
async function recordStates(): Promise<unknown[]> {
  // Only now: the Temporal runtime that it installs keeps a process alive that starts no worker.
  const { openWorld } = await import('../workflows/fake-world.ts');
  server = await startEmbeddedServer({
    inMemory: true,
    dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 60 },
  });
  const rounds = 12;
  const cell = async ({ key, delivery, journal }: RunCellInput): Promise<CellOutcome> => {
    const turn = Number(key.cell.split('.')[0]);
    const content = await putText(world.store, `Draft of turn ${turn}`);
    const done = delivery === null ? 0 : (delivery.recorded[0]?.[0] ?? 0);
    if (turn < 8 || done >= rounds) return finished({ answer: { content, ready: turn === 8 } });
    const waiting = { journal: journal ?? `sha256:${'1'.repeat(64)}`, subRuns: [], previews: [] };
    return {
      kind: 'waiting',
      ...waiting,
      firstCall: done + 1,
      callCount: 1,
      computeMs: 1,
      way: 'fresh',
    };
  };
  const world = await openWorld({ reply: ({ turn }) => [`step(${turn})`], cell }, server.address);
  try {
    const { workflowId } = await world.run({ seed: 'states', clock: { startMs: 0, stepMs: 1 } });
    const states: unknown[] = [];
    let runId: string | undefined;
    do {
      const handle = world.client.temporal.workflow.getHandle(workflowId, runId);
      const { events } = await handle.fetchHistory();
      const started = events?.[0]?.workflowExecutionStartedEventAttributes;
      const [payload] = started?.input?.payloads ?? [];
      const start = JSON.parse(Buffer.from(payload?.data ?? []).toString('utf8'));
      if (start.carried !== undefined) states.unshift(start.carried);
      runId = started?.continuedExecutionRunId ?? undefined;
    } while (runId !== undefined && runId !== '');
    return states;
  } finally {
    await world.close();
  }
}

if (record) {
  test('states are recorded', async () => {
    const states = await recordStates();
    expect(states.length).toBeGreaterThan(1);
    for (const [i, state] of states.entries()) {
      writeFileSync(join(FOLDER, `0.1-${i + 1}.json`), `${JSON.stringify(state, null, 1)}\n`);
    }
  }, 60_000);
}

describe('a state that was carried over', () => {
  const names = readdirSync(FOLDER);

  test.each(names)('is read: %s', (name) => {
    const carried: unknown = JSON.parse(readFileSync(join(FOLDER, name), 'utf8'));
    const state = parseCarried(carried);
    expect(state.turn).toBeGreaterThan(0);
    // What a later version adds has a default; what an older one knew is kept.
    expect(JSON.parse(JSON.stringify(state))).toMatchObject(carried as object);
  });

  test('are of a turn between cells and of a cell that waits', () => {
    const underWay = names.map((name) => {
      const state = parseCarried(JSON.parse(readFileSync(join(FOLDER, name), 'utf8')));
      return state.underWay === null ? 'between turns' : 'in a cell';
    });
    expect(new Set(underWay)).toEqual(new Set(['between turns', 'in a cell']));
  });

  test('that lacks what every version needs is refused by name', () => {
    expect(() => parseCarried({ turn: 1 })).toThrow(
      'The state of the execution before this one cannot be read by this version; run the version that wrote it.',
    );
  });
});
