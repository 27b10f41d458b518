import { type Digest, type ForkPoint, Manifest, TranscriptLink } from '../protocol/index.ts';
import { isLost, takeOverImage } from '../repl/index.ts';
import { getJson, type Store } from '../store/index.ts';

/**
 * Puts all that a fork goes on from into its own root: its image with the parents and texts, the transcript, the inputs.
 * From then on the source may be forgotten. Throws BlobMissing when it was, or BlobCorrupted.
 */
export async function takeOver(store: Store, from: ForkPoint): Promise<void> {
  try {
    await takeOverImage(store, from.image.blob);
  } catch (error) {
    if (!isLost(error)) throw error;
    throw error.because(
      `which the heap after cell ${from.cell} of run ${from.workflowId} needs: "rlm repair" may rebuild it`,
    );
  }
  for (const manifest of [from.manifest, ...(from.earlier ?? [])]) {
    await takeOverInputs(store, manifest);
  }
  await takeOverTranscript(store, from.transcript);
  for (const digest of textsOf(from)) {
    // The empty text is told without being stored.
    if (await store.blobs.has(digest)) await store.blobs.touch(digest);
  }
}

async function takeOverInputs(store: Store, manifest: Digest): Promise<void> {
  await store.blobs.touch(manifest);
  const { entries } = await getJson(store, manifest, Manifest);
  await Promise.all(entries.map(({ blob }) => store.blobs.touch(blob.digest)));
}

async function takeOverTranscript(store: Store, newest: Digest | null): Promise<void> {
  const ahead = newest === null ? [] : [newest];
  for (let at = ahead.pop(); at !== undefined; at = ahead.pop()) {
    await store.blobs.touch(at);
    const { previous, summarises, messages } = await getJson(store, at, TranscriptLink);
    for (const { opaque } of messages) if (opaque) await store.blobs.touch(opaque.blob);
    for (const next of [previous, summarises]) if (next) ahead.push(next);
  }
}

function textsOf({ cells, draft, citations, question }: ForkPoint): Digest[] {
  const texts = cells.flatMap(({ outcome }) => {
    const { stdout, stderr } = outcome;
    if (outcome.kind === 'rolledBack') return [stdout, stderr];
    const { value, error } = outcome;
    return [stdout, stderr, ...(value ? [value] : []), ...(error ? [error.traceback] : [])];
  });
  return [
    ...texts.map(({ digest }) => digest),
    ...(draft ? [draft.digest] : []),
    ...(citations ? [citations.digest] : []),
    ...(question ? [question] : []),
  ];
}
