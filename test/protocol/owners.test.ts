import { describe, expect, test } from '@jest/globals';
import { ownedBy, runOwner, scheduleOwner } from '../../protocol/index.ts';

describe('the owner of what an activity stores', () => {
  test.each([
    ['a run', 'analysis', 'analysis'],
    ['its sub-run', 'analysis/3.1.2-ab12', 'analysis'],
    ['a sub-run of that', 'analysis/3.1.2-ab12/10.2.14-0f0f', 'analysis'],
    ['a batch of calls', 'analysis/3.1-calls-501-ab12', 'analysis'],
    ['its second try', 'analysis/3.1-calls-501-ab12-2', 'analysis'],
    ['a batch of a sub-run', 'analysis/3.1.2-ab12/1.1-calls-1-9999', 'analysis'],
    ['a run with a slash in its name', 'team/analysis', 'team/analysis'],
    ['a run of a schedule', 'daily-2026-11-25T00:00:00Z', 'daily-2026-11-25T00:00:00Z'],
    ['a run that is named like a cell', 'analysis/3.1', 'analysis/3.1'],
  ])('%s is the run at the top of the tree', (_, workflowId, top) => {
    expect(runOwner(workflowId)).toBe(`run ${top}`);
    expect(ownedBy(runOwner(workflowId))).toEqual({ kind: 'run', id: top });
  });

  test('a schedule is asked for as one, a session as nothing that a server knows', () => {
    expect(ownedBy(scheduleOwner('daily'))).toEqual({ kind: 'schedule', id: 'daily' });
    expect(ownedBy('repl 2026-11-25T10:00:00 1234')).toBeNull();
    expect(ownedBy('runtime images')).toBeNull();
  });
});
