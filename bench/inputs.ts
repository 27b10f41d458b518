import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { homeFrom } from '../cli/index.ts';
import { LocalFiles } from '../client/index.ts';
import { prepareBaseImage } from '../repl/index.ts';
import type { Bench } from './bench.ts';
import { figure, type Figure } from './figure.ts';
import { type BenchWorld, openBenchWorld } from './run/bench-world.ts';

const MB = 1_000_000;
const HEAP_MIB = 4096;
/** Both are UTF-8 in the file; a wide text takes two bytes a character in the heap. */
const LINES = {
  plain: 'The supplier shall indemnify the customer against all claims, clause ',
  wide: 'Die Lieferantin hält die Kundin schadlos → alle Ansprüche, § ',
};

/** `npm run -s bench -- inputs [gigabyte]` */
export const bench: Bench = {
  about:
    'A text file as input of a run: from the start of ingest to the first turn, and the upload before it; server, worker, scripted model and client in this process, the store on a disk. With "gigabyte" a text of 1 GB as well.',
  async run({ args, say }) {
    await prepareBaseImage({ cacheDir: homeFrom(process.env).cacheDir, onProgress: say });
    const folder = await mkdtemp(join(tmpdir(), 'rlm-bench-inputs-'));
    const world = await openBenchWorld('memory');
    try {
      const figures = [
        ...(await measure(world, folder, 'plain', 100, 10)),
        ...(await measure(world, folder, 'wide', 100, 10)),
      ];
      if (args.includes('gigabyte')) figures.push(...(await measure(world, folder, 'plain', 1000)));
      return figures;
    } finally {
      await world.close();
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function measure(
  world: BenchWorld,
  folder: string,
  kind: keyof typeof LINES,
  megabytes: number,
  atMost?: number,
): Promise<Figure[]> {
  const path = join(folder, `${kind}-${megabytes}.txt`);
  await write(path, LINES[kind], megabytes * MB);
  const from = Date.now();
  const code = 'answer["content"] = str(len(input_data))\nanswer["ready"] = True';
  const { events, answer } = await world.run(code, {
    input: new LocalFiles(path),
    limits: { heapMiB: HEAP_MIB },
    confirm: 'never',
  });
  if (!(Number(answer.answer) > megabytes * MB * 0.8)) throw new Error('the text is not all there');
  const at = (name: string): number => events.find((event) => event.name === name)?.atMs ?? 0;
  const name = `${megabytes} MB, ${kind}`;
  return [
    figure({ name: `${name}: upload`, unit: 's', runs: [(at('resolveSpec') - from) / 1000] }),
    figure({
      name: `${name}: ingest to first turn`,
      unit: 's',
      runs: [(at('nextTurn') - at('ingest')) / 1000],
      ...(atMost === undefined ? {} : { target: { atMost } }),
    }),
  ];
}

/** Lines of different content: equal ones would be stored in no space. */
async function write(path: string, line: string, bytes: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    let written = 0;
    for (let number = 0; written < bytes;) {
      const lines: string[] = [];
      for (let i = 0; i < 20_000; i++) lines.push(`${line}${(number++ * 7919) % 1_000_003}.\n`);
      const part = Buffer.from(lines.join('')).subarray(0, bytes - written);
      await file.write(part);
      written += part.length;
    }
  } finally {
    await file.close();
  }
}
