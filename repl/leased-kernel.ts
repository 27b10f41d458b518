import type { CellLimits, Digest } from '../protocol/index.ts';
import type { CellReport } from './host/host-protocol.ts';
import { HostGone, type HostProcess } from './host/host-process.ts';
import type { ImageChain } from './image-chain.ts';

/** What a stretch of model code came to, and the texts that it names. */
export interface HostedReport {
  report: CellReport;
  texts: Buffer[];
}

/** A kernel that one step holds. It is parked again only when the step's outcome is complete, else destroyed. */
export class LeasedKernel {
  readonly #host: HostProcess;
  readonly #number: number;
  #held = true;
  /** Compute time of the present cell, in ms. */
  computeMs = 0;

  private constructor(host: HostProcess, number: number) {
    this.#host = host;
    this.#number = number;
  }

  /** The kernel parked under a key, if there is one. */
  static async take(host: HostProcess, key: string): Promise<LeasedKernel | undefined> {
    const { result } = await host.ask({ op: 'take', key });
    if (result.kernel === null) return undefined;
    const leased = new LeasedKernel(host, result.kernel);
    leased.computeMs = result.computeMs;
    return leased;
  }

  /** A fresh kernel, restored to an image. */
  static async open(
    host: HostProcess,
    { digests, blobs, texts }: ImageChain,
    heapDigest: Digest,
  ): Promise<LeasedKernel> {
    const request = {
      op: 'open' as const,
      chain: digests,
      texts: texts.map(({ digest }) => digest),
      heapDigest,
    };
    const { result } = await host.ask(request, [...blobs, ...texts.map(({ utf8 }) => utf8)]);
    return new LeasedKernel(host, result.kernel);
  }

  async start(
    spec: { clockMs: number; seed: string; limits: CellLimits; body: unknown },
    texts: ReadonlyArray<{ digest: Digest | null; utf8: Buffer; document: boolean }>,
  ): Promise<HostedReport> {
    const answer = await this.#host.ask(
      {
        op: 'start',
        kernel: this.#number,
        ...spec,
        texts: texts.map(({ digest }) => digest),
        documents: texts.flatMap(({ document }, index) => (document ? [index] : [])),
      },
      texts.map(({ utf8 }) => utf8),
    );
    return this.#told(answer.result, answer.attachments);
  }

  async deliver(
    spec: { limits: CellLimits; clockMs: number; answers: unknown[] },
    texts: readonly Buffer[],
  ): Promise<HostedReport> {
    const answer = await this.#host.ask({ op: 'deliver', kernel: this.#number, ...spec }, texts);
    return this.#told(answer.result, answer.attachments);
  }

  #told(report: CellReport, texts: Buffer[]): HostedReport {
    this.computeMs = report.computeMs;
    if (report.kind === 'fault') this.#held = false;
    return { report, texts };
  }

  async image(): Promise<{ heapDigest: Digest; heapBytes: number; blob: Buffer }> {
    const { result, attachments } = await this.#host.ask({ op: 'image', kernel: this.#number });
    const { heapDigest, heapBytes } = result;
    return { heapDigest, heapBytes, blob: attachments[result.blob] ?? Buffer.alloc(0) };
  }

  /** False when the host has no room for it: it is gone then. */
  async park(key: string): Promise<boolean> {
    this.#held = false;
    const { result } = await this.#host.ask({ op: 'park', kernel: this.#number, key });
    return result.parked;
  }

  /** Safe at any time, also twice and when the host is gone. */
  async destroy(): Promise<void> {
    if (!this.#held) return;
    this.#held = false;
    try {
      await this.#host.ask({ op: 'destroy', kernel: this.#number });
    } catch (error) {
      if (!(error instanceof HostGone)) throw error;
    }
  }
}
