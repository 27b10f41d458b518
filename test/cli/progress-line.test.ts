import { describe, expect, test } from '@jest/globals';
import { count, ingestLine, money, progressLine, seconds } from '../../cli/progress-line.ts';
import { draft, progress } from './states.ts';

describe('progressLine', () => {
  test.each([
    ['a cell that runs', progress(), 'turn 2/30 · cell 2.1 runs · 7 sub-calls · $0.0312 of $1.00'],
    [
      'a cell that waits for a round',
      progress({ phase: 'calling', round: { answered: 9, total: 64 } }),
      'turn 2/30 · cell 2.1 · 9 of 64 sub-calls · $0.0312 of $1.00',
    ],
    [
      'the model thinking over a draft',
      progress({ phase: 'thinking', draft: draft('x'.repeat(1204), 2) }),
      'turn 2/30 · the model thinks · 7 sub-calls · $0.0312 of $1.00 · draft v2, 1,204 chars',
    ],
    [
      'a run before its first turn',
      progress({ phase: 'starting', turn: 0, cell: null }),
      'starting · 7 sub-calls · $0.0312 of $1.00',
    ],
    [
      'a run that ended',
      progress({ phase: 'ended' }),
      'ended · turn 2/30 · 7 sub-calls · $0.0312 of $1.00',
    ],
  ])('says where a run is: %s', (_, state, line) => {
    expect(progressLine(state)).toBe(line);
  });

  test('marks spend that no provider counted', () => {
    const state = progress();
    state.spend.usage.estimated = true;
    expect(progressLine(state)).toContain('$0.0312 (estimated) of $1.00');
  });
});

test('amounts are written as people read them', () => {
  expect([money(0), money(0.00042), money(1.5)]).toEqual(['$0.00', '$0.0004', '$1.50']);
  expect([count(1, 'turn'), count(1200, 'sub-call')]).toEqual(['1 turn', '1,200 sub-calls']);
  expect([seconds(0), seconds(9949), seconds(9951), seconds(59_600), seconds(185_000)]).toEqual([
    '0.0 s',
    '9.9 s',
    '10 s',
    '1 min 0 s',
    '3 min 5 s',
  ]);
});

describe('ingestLine', () => {
  test.each([
    [{ phase: 'started', done: 0, total: 1, bytes: 0 }, 'reading the inputs · 0 of 1 document'],
    [
      {
        phase: 'converting',
        done: 3,
        total: 1200,
        bytes: 41_400_000,
        name: 'a/x.pdf',
        page: 11,
        pages: 96,
      },
      'reading the inputs · 3 of 1,200 documents · 41 MB · a/x.pdf, page 11 of 96',
    ],
  ] as const)('%j', (progressed, line) => {
    expect(ingestLine(progressed)).toBe(line);
  });
});
