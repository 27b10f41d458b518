import { parseArgs } from 'node:util';
import { demoRoot, demoSub } from './demo-script.ts';
import { type ScriptedModel, startScriptedModel } from './scripted-model.ts';

export interface StandInOptions {
  readonly port?: number;
  /** Default DEFAULT_LATENCY_MS. */
  readonly latencyMs?: number;
}

/** Time to an answer in ms, so that a round can be interrupted and a parallel one seen to be parallel. */
export const DEFAULT_LATENCY_MS = 150;

/** The demo's stand-in model server. It has no intelligence: scripted cells, extractive answers, and only the demo's question. */
export async function startStandIn(options: StandInOptions = {}): Promise<ScriptedModel> {
  return await startScriptedModel({
    root: demoRoot,
    sub: demoSub,
    latencyMs: options.latencyMs ?? DEFAULT_LATENCY_MS,
    port: options.port,
  });
}

/** `node examples/support/stand-in-server.ts [--port N] [--latency-ms N]`: serves until it is stopped, and prints its base URL as its first line. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { port: { type: 'string' }, 'latency-ms': { type: 'string' } },
  });
  const server = await startStandIn({
    port: numberOption('--port', values.port),
    latencyMs: numberOption('--latency-ms', values['latency-ms']),
  });
  process.stdout.write(`${server.baseUrl}\n`);
  process.stdout.write('Stand-in model server: scripted replies, no intelligence.\n');
  const stop = (): void => {
    server.close().then(() => process.exit(0), fail);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  // The server itself does not hold the process.
  setInterval(() => undefined, 60_000);
}

function numberOption(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value)) throw new TypeError(`${name} must be a whole number, not "${value}"`);
  return Number(value);
}

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

if (import.meta.main) main().catch(fail);
