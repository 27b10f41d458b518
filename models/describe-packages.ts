import type { NextTurnInput } from '../protocol/index.ts';

/** The packages that a run has beside the standard library, for a prompt: how each is imported. */
export function describePackages(packages: NextTurnInput['packages'] = []): {
  has_packages: boolean;
  packages: string;
} {
  const told = packages.map(({ name, version, modules }) => {
    const imports = modules.map((module) => `\`import ${module}\``).join(', ');
    return `${name} ${version}${imports === '' ? '' : ` (${imports})`}`;
  });
  return { has_packages: told.length > 0, packages: told.join(', ') };
}
