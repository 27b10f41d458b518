import { createHash } from 'node:crypto';
import { NativeConnection, Worker } from '@temporalio/worker';
import { TOOL } from './scenario.ts';

/** The tool that runs call, served by this process, which nobody kills. */
export interface ToolServer {
  /** What it was asked, in order; equal texts are the same call made again. */
  readonly calls: ReadonlyArray<{ text: string; atMs: number }>;
  close(): Promise<void>;
}

/** What a run is told of it. */
export const TOOL_SPEC = {
  name: TOOL.activity,
  description: 'Measures a text.',
  parameters: {
    type: 'object',
    properties: { text: { type: 'string' } },
    required: ['text'],
  },
  taskQueue: TOOL.queue,
  // A server that is killed loses calls under way: they count as timed out after this.
  timeoutMs: 4000,
  attempts: 20,
};

export async function openToolServer(address: string): Promise<ToolServer> {
  const calls: Array<{ text: string; atMs: number }> = [];
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    taskQueue: TOOL.queue,
    activities: {
      [TOOL.activity]: ({ text }: { text: string }) => {
        calls.push({ text, atMs: Date.now() });
        return { length: text.length, digest: createHash('sha256').update(text).digest('hex') };
      },
    },
  });
  const running = worker.run();
  return {
    calls,
    close: async () => {
      worker.shutdown();
      await running;
      await connection.close();
    },
  };
}
