import type { Figure } from '../figure.ts';
import { figure, median } from '../figure.ts';
import { BenchRun, settle } from './bench-session.ts';
import { copyMs } from './floors.ts';
import { type Kernels, WARM_KERNELS } from './with-repl.ts';

const SAMPLES = 15;
const RESTORED_BYTES = 10 * 2 ** 20;

/** A fresh kernel: from nothing but the base image, and brought to an image. */
export async function freshKernels({ repl, store }: Kernels): Promise<Figure[]> {
  const big = new BenchRun(repl, store, 'ten');
  await big.run(`import random\nheld = random.randbytes(${RESTORED_BYTES})`);
  const { image } = big;
  const boots: number[] = [];
  const empty: number[] = [];
  const restored: number[] = [];
  const living: number[] = [];
  for (let i = 0; i < SAMPLES; i += 1) {
    await settle(repl);
    empty.push((await new BenchRun(repl, store, `empty ${i}`).run('1')).ms);
    await settle(repl);
    restored.push((await new BenchRun(repl, store, `restored ${i}`, image).run('1')).ms);
    await settle(repl);
    living.push((await big.run('1')).ms);
    await settle(repl);
    // These take the kernels that were booted ahead; the next run, close behind them, boots its own.
    for (let spare = 0; spare < WARM_KERNELS; spare += 1) {
      await new BenchRun(repl, store, `spare ${spare} of ${i}`).run('1');
    }
    boots.push((await new BenchRun(repl, store, `boot ${i}`).run('1')).ms);
  }
  const emptyMs = median(empty);
  return [
    figure({
      name: 'boot of a kernel from the base image',
      unit: 'ms',
      runs: boots.map((ms) => ms - emptyMs),
      floor: copyMs(repl.base.heapBytes),
      target: { atMost: 300 },
    }),
    figure({ name: 'first step of a run in a kernel booted ahead', unit: 'ms', runs: empty }),
    figure({
      name: 'restoring a 10 MB image into a warm kernel',
      unit: 'ms',
      // Beside the same step in the kernel that has the heap already.
      runs: restored.map((ms) => ms - median(living)),
      floor: copyMs(RESTORED_BYTES),
      target: { atMost: 40 },
    }),
  ];
}
