import { afterEach, describe, expect, test } from '@jest/globals';
import { KernelCrashed, type Repl } from '../../repl/index.ts';
import { MemoryGate } from '../../repl/memory-gate.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

// Scope: more kernels than memory. What a host takes is what the test says, so that limits come when they should.

const NEVER = new AbortController().signal;

describe('the gate', () => {
  test('lets in what fits together, in order; a small one does not overtake a large one', async () => {
    const gate = new MemoryGate(100);
    const entered: string[] = [];
    const enter = async (name: string, mib: number): Promise<() => void> => {
      const leave = await gate.enter(mib, NEVER);
      entered.push(name);
      return leave;
    };
    const first = await enter('first', 60);
    const large = enter('large', 90);
    const small = enter('small', 10);
    await new Promise(setImmediate);
    expect(entered).toEqual(['first']);
    first();
    (await large)();
    (await small)();
    expect(entered).toEqual(['first', 'large', 'small']);
    expect(gate.takenMiB).toBe(0);
  });

  test('lets one in that is larger than everything, by itself', async () => {
    const gate = new MemoryGate(100);
    const leave = await gate.enter(500, NEVER);
    const other = gate.enter(1, NEVER);
    leave();
    (await other)();
    expect(gate.takenMiB).toBe(0);
  });

  test('forgets one that gives up, and lets in those behind it', async () => {
    const gate = new MemoryGate(100);
    const leave = await gate.enter(60, NEVER);
    const controller = new AbortController();
    const large = gate.enter(90, controller.signal);
    const small = gate.enter(40, NEVER);
    controller.abort(new Error('cancelled by test'));
    await expect(large).rejects.toThrow('cancelled by test');
    (await small)();
    leave();
    expect(gate.takenMiB).toBe(0);
  });
});

describe('a host with little memory', () => {
  const store = memoryStore();
  let repl: Repl;
  let residentMiB = 0;
  afterEach(() => repl.dispose());

  async function open(memoryMiB: number): Promise<void> {
    residentMiB = 0;
    repl = await openTestRepl(store, {
      memoryMiB,
      residentMiB: () => Promise.resolve(residentMiB),
      warmKernels: 0,
    });
  }

  test('keeps fewer kernels parked than there are runs, and every run goes on', async () => {
    await open(700);
    const sessions = Array.from({ length: 8 }, (_, i) => new Session(repl, store, `few ${i}`));
    for (const [i, session] of sessions.entries()) await session.run(`x = ${i}`);
    const parked = repl.stats().steps.parked;
    for (const [i, session] of sessions.entries()) {
      expect((await session.run('x')).value).toBe(String(i));
    }
    // Each took another's place before its turn came.
    expect(repl.stats().steps.parked - parked).toBeLessThan(8);
    expect(repl.stats()).toMatchObject({ hostsLost: 0, memoryStops: 0 });
  }, 120_000);

  test('stops the newest step when it grows beyond its limit; that step runs again by itself', async () => {
    await open(2000);
    const [old, young] = ['old', 'young'].map((name) => new Session(repl, store, name));
    if (old === undefined || young === undefined) throw new Error('no sessions');
    const loop = 'n = 0\nfor i in range(6_000_000): n += 1\nn';
    const first = old.run(loop, { limits: { computeMs: 60_000 } });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { code } = await young.input('y = 1');
    const endless = await young.input('while True: pass', { limits: { heapMiB: 1900 } });
    const stopped = repl.runStep(endless);
    residentMiB = 2500;
    await expect(stopped).rejects.toThrow(
      new KernelCrashed(
        'there was no memory for this step beside others; it is run again when there is',
      ),
    );
    expect(repl.stats().memoryStops).toBe(1);
    residentMiB = 0;
    // Now it needs the place of both.
    const order: string[] = [];
    const again = repl.runStep({ ...endless, code }).then((outcome) => {
      order.push('young');
      return outcome;
    });
    expect((await first.then((cell) => (order.push('old'), cell))).value).toBe('6000000');
    expect(await again).toMatchObject({ kind: 'finished' });
    expect(order).toEqual(['old', 'young']);
  }, 120_000);
});
