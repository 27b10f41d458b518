import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { type Edit, type RunStart } from '../protocol/index.ts';
import { INGEST, LIGHT, replStep } from './activity-options.ts';
import { goOnFrom, limitsAfter } from './fork-run.ts';
import { packageEdits } from './package-edits.ts';
import { readClock } from './run-context.ts';
import { openState, type RunState } from './run-state.ts';
import { deriveKey, newSecret } from './secrets.ts';

const light = proxyActivities<Activities>(LIGHT);
const { ingest } = proxyActivities<Activities>(INGEST);

/** From a spec to image 0: names resolved and recorded, inputs checked, REPL opened with them as `input_data`; or to the step of another run that this one starts from. */
export async function prepareRun(workflowId: string, start: RunStart): Promise<RunState> {
  const readings = { clockReadings: 0 };
  const startedMs = readClock({ start }, readings);
  const drawn = start.parent?.secret ?? newSecret(start.spec.seed);
  const resolved = await light.resolveSpec.executeWithOptions(
    { summary: 'models, limits and runtime' },
    [start.spec],
  );
  const secret = resolved.from?.secret ?? drawn;
  const { inputs, sources } = start.spec;
  const count = inputs.length + (sources?.count ?? 0);
  const { manifest, totalChars, entryCount, notes } = await ingest.executeWithOptions(
    { summary: `${count} ${count === 1 ? 'input' : 'inputs'}` },
    [
      inputs,
      {
        heapMiB: resolved.limits.heapMiB,
        ...(sources === undefined ? {} : { sources: sources.list }),
      },
    ],
  );
  if (resolved.from !== undefined) {
    const { from } = resolved;
    const state = openState(
      {
        resolved: limitsAfter(resolved, from),
        manifest: entryCount === 0 ? from.manifest : manifest,
        secret,
        image: from.image,
        startedMs,
        clockReadings: readings.clockReadings,
      },
      0,
    );
    goOnFrom(state, start, from, entryCount === 0 ? null : manifest);
    keepNotes(state, notes);
    return state;
  }
  const edits: Edit[] =
    entryCount === 0 ? [] : [{ kind: 'setManifest', variable: 'input_data', manifest }];
  edits.push(...packageEdits(resolved));
  if (resolved.tools !== undefined) {
    edits.push({ kind: 'setTools', toolbox: resolved.tools.toolbox });
  }
  const { openRepl } = proxyActivities<Activities>(replStep(resolved.replQueue, resolved.limits));
  const opened = await openRepl.executeWithOptions(
    { summary: `base image and ${totalChars} characters of input` },
    [
      {
        key: { workflowId: start.parent?.scope ?? workflowId, cell: '0.0', cellAttempt: 1 },
        runtime: resolved.runtime,
        edits,
        seed: deriveKey(secret, 'cell 0.0'),
        clockMs: readClock({ start }, readings),
        limits: resolved.limits,
        secret,
      },
    ],
  );
  const state = openState(
    {
      resolved,
      manifest,
      secret,
      image: opened.image,
      startedMs,
      clockReadings: readings.clockReadings,
    },
    opened.computeMs,
  );
  state.hostQueue = opened.place?.queue ?? null;
  keepNotes(state, notes);
  return state;
}

/** For those who watch the run; the model reads them in the manifest. */
function keepNotes(state: RunState, notes: string[] | undefined): void {
  if (notes !== undefined && notes.length > 0) state.inputNotes = notes;
}
