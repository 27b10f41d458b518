import type { Edit, ResolvedSpec } from '../protocol/index.ts';

/** The edits that make a run's packages importable. */
export function packageEdits({ packages = [] }: ResolvedSpec): Edit[] {
  if (packages.length === 0) return [];
  return [{ kind: 'addPackages', packages: packages.map(({ file, blob }) => ({ file, blob })) }];
}
