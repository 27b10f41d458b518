import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { CliError, checkModels, modelsAreConfigured } from '../../cli/index.ts';

const LoggedCall = z.object({
  atMs: z.number(),
  kind: z.enum(['root', 'sub']),
  prompt: z.string(),
  answered: z.boolean(),
  durationMs: z.number().nullable(),
});
/** One request as the stand-in saw it; equal `prompt` means the same call made again. */
export type LoggedCall = z.infer<typeof LoggedCall>;

/** The models of the demo, real or stand-in. */
export interface DemoModel {
  /** True for the demo's own stand-in, which has no intelligence and keeps a log. */
  readonly standIn: boolean;
  /** Environment of the workers. */
  readonly env: NodeJS.ProcessEnv;
  /** Every request so far; null for a real model, which keeps no such log. */
  log(): Promise<LoggedCall[] | null>;
  close(): Promise<void>;
}

/** The model that the environment names; without one, the stand-in in a process of its own. */
export async function openDemoModel(): Promise<DemoModel> {
  if (!modelsAreConfigured()) return startStandInProcess();
  await checkModels();
  return {
    standIn: false,
    env: { ...process.env },
    log: () => Promise.resolve(null),
    close: () => Promise.resolve(),
  };
}

async function startStandInProcess(): Promise<DemoModel> {
  const child = fork(fileURLToPath(new URL('./demo-stand-in.ts', import.meta.url)), {
    detached: true,
  });
  const ended = once(child, 'exit');
  const [message]: unknown[] = await Promise.race([
    once(child, 'message'),
    ended.then(() => {
      throw new CliError('The stand-in model server did not start.');
    }),
  ]);
  const { baseUrl } = z.object({ baseUrl: z.url() }).parse(message);
  return {
    standIn: true,
    env: {
      ...process.env,
      OPENAI_BASE_URL: baseUrl,
      RLM_MODEL: 'stand-in-root',
      RLM_SUB_MODEL: 'stand-in-sub',
    },
    log: async () => {
      const response = await fetch(new URL('/stand-in/log', baseUrl));
      return z.object({ requests: z.array(LoggedCall) }).parse(await response.json()).requests;
    },
    close: async () => {
      child.disconnect();
      await ended;
    },
  };
}
