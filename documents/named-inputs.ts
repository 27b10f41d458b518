import type { ManifestEntry } from '../protocol/index.ts';

/** An input that a citation may mean. `leaf`: the part of a JSON value that it names; null: all of the input. */
export interface NamedInput {
  readonly entry: ManifestEntry;
  readonly leaf: string | null;
}

/** How an input is called in a report. */
export function inputName({ path, document }: ManifestEntry): string {
  return path.join('/') || document?.name || 'input_data';
}

/**
 * The inputs that a name may mean, as searches in the REPL name what they find, as keys of `input_data`, or as
 * documents call themselves; those that fit best. All of them for null. Empty when there is no such input.
 */
export function namedInputs(entries: readonly ManifestEntry[], told: string | null): NamedInput[] {
  const name = told === null ? null : plainName(told);
  if (name === null || name === '') return entries.map((entry) => ({ entry, leaf: null }));
  const rules: ((path: string, title: string) => boolean)[] = [
    (path, title) => path === name || title === name,
    (path, title) => path.endsWith(`/${name}`) || title.endsWith(`/${name}`),
    // A folder: any input in it.
    (path) => `/${path}`.includes(`/${name}/`),
  ];
  for (const fits of rules) {
    const found = entries.filter(({ path, document }) =>
      fits(path.join('/'), document?.name ?? ''),
    );
    if (found.length > 0) return found.map((entry) => ({ entry, leaf: null }));
  }
  return entries.filter(({ format }) => format === 'json').map((entry) => ({ entry, leaf: name }));
}

/** `input_data["prior"][3]` as searches write it: `prior[3]`. */
function plainName(told: string): string {
  const keys = /^(?:input_data|context)((?:\[(?:"[^"]*"|'[^']*'|\d+)\])*)$/.exec(told.trim())?.[1];
  if (keys === undefined) return told.trim();
  return keys.replaceAll(/\[["']([^"']*)["']\]/g, '/$1').replace(/^\//, '');
}
