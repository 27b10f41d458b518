import type { ResolvedSpec, RunSpec } from '../protocol/index.ts';
import { InvalidInput, readWheel, type Store } from '../store/index.ts';

/** The packages of a run, each looked into: a spec may come from anywhere. Throws InvalidInput, which names the wheel. */
export async function resolvePackages(
  store: Store,
  { packages = [] }: RunSpec,
): Promise<ResolvedSpec['packages']> {
  if (packages.length === 0) return undefined;
  const resolved: NonNullable<ResolvedSpec['packages']> = [];
  for (const [index, { file, blob }] of packages.entries()) {
    const bytes = await store.blobs.get(blob.digest);
    if (bytes.length !== blob.sizeBytes) {
      throw new InvalidInput(
        `spec.packages.${index}: ${file} has ${blob.sizeBytes} bytes, the stored blob has ${bytes.length}`,
      );
    }
    resolved.push({ file, blob, ...(await readWheel(file, bytes)) });
  }
  return resolved;
}
