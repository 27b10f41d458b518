import { hash } from 'node:crypto';
import type { z } from 'zod';
import type { CellLimits } from '../../protocol/index.ts';
import { errorText } from '../error-text.ts';
import { MAX_ROUND } from './frames.ts';
import { CellReport, type HostedCall, type HostRequest } from './host-protocol.ts';
import { faultFromText, KernelFault } from './kernel-fault.ts';
import type { KernelFactory } from './kernel-factory.ts';
import type { Kernel } from './kernel.ts';
import { ParkedKernels } from './parked-kernels.ts';
import { KernelReport, type TextPlace } from './kernel-report.ts';
import { ReadyMemory } from './ready-memory.ts';

/** Texts of one report that leave a kernel. The largest run of calls with the largest prompts fits. */
const MAX_TEXT_BYTES = 2 ** 30;

interface Answered {
  result: unknown;
  attachments?: Buffer[];
}

/**
 * The kernels of one host process.
 *
 * H1  A kernel is leased (named by its number to one step), parked (under one key), or gone.
 * H2  A request that fails destroys the kernel it named.
 */
export class KernelHost {
  readonly #factory: KernelFactory;
  readonly #leased = new Map<number, Kernel>();
  readonly #parked: ParkedKernels;
  readonly #ready = new ReadyMemory();
  #lastKernel = 0;

  constructor(factory: KernelFactory, parkedMiB: number) {
    this.#factory = factory;
    this.#parked = new ParkedKernels(parkedMiB);
  }

  async answer(request: HostRequest, attachments: Buffer[]): Promise<Answered> {
    switch (request.op) {
      case 'take': {
        const kernel = this.#parked.take(request.key);
        if (kernel === undefined) return { result: { kernel: null, computeMs: 0 } };
        return { result: { kernel: this.#lease(kernel), computeMs: kernel.cellMs } };
      }
      case 'open': {
        const kernel = await this.#factory.make();
        const { chain, texts, heapDigest } = request;
        const given = (index: number): Buffer => attachments[index] ?? Buffer.alloc(0);
        const images = chain.map((digest, i) => ({ digest, blob: given(i) }));
        const named = new Map(texts.map((digest, i) => [digest, given(chain.length + i)]));
        if (images.length > 0) {
          this.#ready.giveBack();
          await this.#orDispose(kernel, () => kernel.restore(images, named, heapDigest));
        }
        return { result: { kernel: this.#lease(kernel) } };
      }
      case 'start':
        return this.#run(request, (kernel) =>
          kernel.start(
            request,
            attachments.map((utf8, i) => ({
              utf8,
              digest: request.texts[i] ?? null,
              document: request.documents.includes(i),
            })),
          ),
        );
      case 'deliver': {
        const { limits, clockMs, answers } = request;
        return this.#run(request, (kernel) =>
          kernel.deliver(limits, { clockMs, answers }, attachments),
        );
      }
      case 'image': {
        const kernel = this.#find(request.kernel);
        const { heapDigest, blob } = await this.#orDispose(kernel, () => kernel.image(digestOf));
        return {
          result: { heapDigest, heapBytes: kernel.heapBytes, blob: 0 },
          attachments: [blob],
        };
      }
      case 'park': {
        const kernel = this.#find(request.kernel);
        this.#leased.delete(request.kernel);
        return { result: { parked: this.#parked.put(request.key, kernel) } };
      }
      case 'destroy':
        this.#leased.get(request.kernel)?.dispose();
        this.#leased.delete(request.kernel);
        return { result: {} };
      case 'limitParked':
        return { result: { parkedMiB: this.#parked.limitTo(request.limitMiB) } };
      default:
        throw new Error('a host that serves kernels builds none');
    }
  }

  #lease(kernel: Kernel): number {
    this.#lastKernel += 1;
    this.#leased.set(this.#lastKernel, kernel);
    return this.#lastKernel;
  }

  #find(number: number): Kernel {
    const kernel = this.#leased.get(number);
    if (kernel === undefined) throw new KernelFault('crash', `there is no kernel ${number}`);
    return kernel;
  }

  async #orDispose<T>(kernel: Kernel, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      kernel.dispose();
      throw error;
    }
  }

  async #run(
    { kernel: number, limits }: { kernel: number; limits: CellLimits },
    compute: (kernel: Kernel) => Promise<string>,
  ): Promise<Answered> {
    const kernel = this.#find(number);
    const texts: Buffer[] = [];
    try {
      const report = await readReport(kernel, await compute(kernel), texts);
      return { result: sendable(report), attachments: texts };
    } catch (error) {
      const fault =
        error instanceof KernelFault ? error : new KernelFault('crash', errorText(error));
      this.#leased.delete(number);
      const output = await kernel.salvageOutput(limits.outputBytes);
      kernel.dispose();
      const { kind, message } = fault;
      const { cellMs: computeMs } = kernel;
      return {
        result: { kind: 'fault', computeMs, fault: kind, message, stdout: 0, stderr: 1 },
        attachments: output,
      };
    }
  }
}

/** A kernel's report with its texts read out. Everything in it is untrusted; what does not fit the schema is a crash. */
async function readReport(kernel: Kernel, json: string, texts: Buffer[]): Promise<CellReport> {
  const report = KernelReport.parse(JSON.parse(json));
  const { cellMs: computeMs } = kernel;
  let total = 0;
  if ('calls' in report && report.calls.length > MAX_ROUND) {
    throw new KernelFault(
      'limit',
      `it made ${report.calls.length} calls at once, at most ${MAX_ROUND} are allowed`,
    );
  }
  const places: TextPlace[] = [];
  const text = (place: TextPlace): number => {
    total += place[1];
    if (total > MAX_TEXT_BYTES) {
      throw new KernelFault('limit', `the texts of this cell exceed ${MAX_TEXT_BYTES} bytes`);
    }
    return places.push(place) - 1;
  };
  const readTexts = async (): Promise<void> => {
    for (const bytes of await kernel.readAll(places)) texts.push(bytes);
  };
  if ('fatal' in report) throw faultFromText(report.fatal);
  if ('stuck' in report) {
    throw new KernelFault('limit', 'threads of the cell wait for each other and cannot be ended');
  }
  if ('calls' in report) {
    const calls: Array<z.infer<typeof HostedCall>> = [];
    for (const { number, kind, prompt, model, context, extra, tool } of report.calls) {
      calls.push({
        tool,
        number,
        kind,
        prompt: text(prompt),
        model,
        context: context && { format: context.format, text: text(context.text) },
        ...(extra === undefined ? {} : { extra: text(extra) }),
      });
    }
    await readTexts();
    return { kind: 'waiting', computeMs, calls };
  }
  const { error, content, citations, ready } = report;
  const finished: CellReport = {
    kind: 'finished',
    computeMs,
    stdout: text(report.stdout),
    stderr: text(report.stderr),
    value: report.value && text(report.value),
    error: error && { ...error, traceback: text(error.traceback) },
    changesOmitted: report.changesOmitted,
    changes: report.changes.map(([name, change, type, size, preview]) => ({
      name,
      change,
      type,
      size,
      preview,
    })),
    content: content && text(content),
    citations: citations && text(citations),
    ready,
  };
  await readTexts();
  return finished;
}

/** A report that the worker would refuse is this kernel's fault, and must not end the host with all its other kernels. */
function sendable(report: CellReport): CellReport {
  const parsed = CellReport.safeParse(report);
  if (!parsed.success) {
    throw new KernelFault('crash', `its report is malformed: ${parsed.error.issues[0]?.message}`);
  }
  return parsed.data;
}

function digestOf(blob: Buffer): string {
  return `sha256:${hash('sha256', blob, 'hex')}`;
}
