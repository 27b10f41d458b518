import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InvalidInput, isWithin, listLocalFiles, readLocalFile } from '../store/index.ts';
import { InvalidDocument } from './errors.ts';
import type { Found } from './item.ts';
import type { SourceAccess } from './source-access.ts';

/** The files of the worker that `worker:/path` names: a file, folder or pattern under one of its roots, links followed. */
export async function* workerFiles(
  location: string,
  path: string[],
  { roots }: SourceAccess,
): AsyncGenerator<Found> {
  if (roots.length === 0) {
    throw new InvalidDocument(
      `${location}: this worker reads no files of its own; set RLM_INPUT_ROOTS to the folders that runs may read`,
    );
  }
  const place = resolve(location.slice('worker:'.length));
  const refused = new InvalidDocument(
    `${location} is not under a folder that runs may read (RLM_INPUT_ROOTS)`,
  );
  // Before anything is looked at: whether a path outside exists is nobody's business.
  if (!roots.some((root) => isWithin(root, place))) throw refused;
  const real = await Promise.all(roots.map((root) => realpath(root).catch(() => root)));
  const isAllowed = (target: string): boolean => real.some((root) => isWithin(root, target));
  const listing = await listLocalFiles(place).catch((error: unknown) => {
    throw error instanceof InvalidInput ? new InvalidDocument(error.message) : error;
  });
  for (const note of listing.notes) yield { kind: 'note', note };
  for (const file of listing.files) {
    const target = await realpath(file.path);
    const own = listing.single ? path : [...path, file.name];
    if (!isAllowed(target)) {
      if (listing.single) throw refused;
      const phrase = 'is a link that leads out of the folders that runs may read';
      yield { kind: 'problem', path: own, name: file.path, phrase };
      continue;
    }
    yield {
      kind: 'item',
      item: {
        path: own,
        name: file.path,
        batch: !listing.single,
        digest: null,
        load: () => readLocalFile({ path: target, sizeBytes: file.sizeBytes }),
      },
    };
  }
}
