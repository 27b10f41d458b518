import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/** What `scripts/setup.mjs` leaves of its last real work. */
const SetupStamp = z.object({ tookMs: z.number(), endedAtMs: z.number() });

/** npm starts the demo right after the set-up, so an older one was not part of this command. */
const SAME_COMMAND_MS = 10_000;

/** Time that the set-up took in the command that this process belongs to, ms: 0 when everything was there. Null when unknown. */
export async function setupMs(): Promise<number | null> {
  const file = new URL('../../node_modules/.durable-rlm-setup.json', import.meta.url);
  try {
    const stamp = SetupStamp.parse(JSON.parse(await readFile(file, 'utf8')));
    const sinceMs = performance.timeOrigin - stamp.endedAtMs;
    return sinceMs >= 0 && sinceMs < SAME_COMMAND_MS ? stamp.tookMs : 0;
  } catch {
    return null;
  }
}
