/**
 * Run as a process by crash.test.ts, to be killed: writes until it is, and reports each write once it is confirmed.
 *
 *   crash-writer.ts DIRECTORY many NAME   blobs of 300 KB, each with a record
 *   crash-writer.ts DIRECTORY large       one blob of 96 MB
 *   crash-writer.ts DIRECTORY race NAME   tries to create the records race/0 to race/49
 */
import { writeSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { digestOf, openStore } from '../../store/index.ts';

const [directory = '', mode, name = ''] = process.argv.slice(2);
const store = await openStore(directory);

// Synchronous, so that a line is out before the next write begins.
const report = (line: string): void => {
  writeSync(1, `${line}\n`);
};

async function large(): Promise<void> {
  const bytes = randomFillSync(Buffer.alloc(96_000_000));
  report(digestOf(bytes));
  await store.blobs.put(bytes);
  report('done');
}

async function many(): Promise<never> {
  for (let i = 0; ; i += 1) {
    const ref = await store.blobs.put(randomFillSync(Buffer.alloc(300_000)));
    report(`blob ${ref.digest}`);
    await store.records.create(`${name}/${i}`, ref.digest);
    report(`record ${name}/${i} ${ref.digest}`);
  }
}

async function race(): Promise<void> {
  for (let i = 0; i < 50; i += 1) {
    const mine = digestOf(Buffer.from(`${name}/${i}`));
    report(`race/${i} ${await store.records.create(`race/${i}`, mine)}`);
  }
}

if (mode === 'large') await large();
else if (mode === 'many') await many();
else await race();
