import { afterEach, describe, expect, test } from '@jest/globals';
import {
  type CellOutcome,
  type ReuseAnswersInput,
  type RolledBackCell,
  type RunCellInput,
  type WaitingCell,
} from '../../protocol/index.ts';
import { putText } from '../../store/index.ts';
import { openWorld, type World } from './fake-world.ts';
import { finished, rolledBack } from './states.ts';

// Scope: a cell whose replay made other calls than are recorded. Rooms are scripted.

const [FIRST, SECOND] = ['1', '2'].map((digit) => `sha256:${digit.repeat(64)}`);
let world: World;
afterEach(() => world.close());

function waiting(journal: string | undefined, callCount: number): WaitingCell {
  const calls = { firstCall: 1, callCount, previews: [], subRuns: [] };
  return { kind: 'waiting', journal: journal ?? '', ...calls, computeMs: 1, way: 'fresh' };
}

const DIVERGED: RolledBackCell = {
  ...rolledBack(),
  reason: 'divergence',
  message: 'The cell was rolled back. It is run afresh.',
};

async function ready(): Promise<CellOutcome> {
  return finished({ answer: { content: await putText(world.store, 'Done.'), ready: true } });
}

describe('a cell that diverged', () => {
  test('is run afresh from the same inputs, with the answers that it had, and the history says so', async () => {
    const asked: ReuseAnswersInput[] = [];
    const answered: string[] = [];
    world = await openWorld({
      reply: () => ['ask()'],
      cell: ({ key, journal }) => {
        if (journal === null) return key.cellAttempt === 1 ? waiting(FIRST, 4) : waiting(SECOND, 5);
        return key.cellAttempt === 1 ? DIVERGED : ready();
      },
      answer: ({ key, call }) => void answered.push(`${key.cellAttempt}.${call}`),
      reuse: (input) => {
        asked.push(input);
        return [
          [1, 2],
          [4, 4],
        ];
      },
    });
    const { result, workflowId } = await world.run();
    expect(result.reason).toBe('answered');
    expect(answered.toSorted()).toEqual(['1.1', '1.2', '1.3', '1.4', '2.3', '2.5']);
    expect(result.spend.calls).toBe(6);
    const [begun, , afresh, delivered] = world.cells;
    const key = { ...begun?.key, cellAttempt: 2 };
    expect(afresh).toEqual({ ...begun, key });
    expect(delivered?.delivery?.recorded).toEqual([[1, 5]]);
    expect(asked).toEqual([{ key, journal: SECOND, earlier: { cellAttempt: 1, journal: FIRST } }]);
    const summaries = await summariesOf(workflowId);
    expect(summaries).toContain('cell 1.1 · run afresh (2), its replay diverged · ask()');
    expect(summaries).toContain('cell 1.1 · answers from before its replay diverged');
  });

  test('each time is rolled back for good, and the model is told why', async () => {
    const inputs: RunCellInput[] = [];
    world = await openWorld({
      reply: ({ turn }) => [`cell_of(${turn})`],
      cell: (input) => {
        inputs.push(input);
        if (input.key.cell !== '1.1') return ready();
        return input.journal === null ? waiting(FIRST, 1) : DIVERGED;
      },
    });
    await world.run();
    expect(inputs.map(({ key }) => `${key.cell} ${key.cellAttempt}`)).toEqual([
      '1.1 1',
      '1.1 1',
      '1.1 2',
      '1.1 2',
      '2.1 1',
    ]);
    expect(world.turns[1]?.observation?.cells[0]?.outcome).toMatchObject({
      kind: 'rolledBack',
      reason: 'divergence',
      message:
        'The cell was rolled back, all variables are as before it: when it was run again with the same answers it made other calls than before. Write it in another way.',
    });
  });
});

async function summariesOf(workflowId: string): Promise<unknown[]> {
  const { events } = await world.client.temporal.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).map(({ userMetadata }) => {
    const data = userMetadata?.summary?.data;
    return data ? JSON.parse(Buffer.from(data).toString()) : null;
  });
}
