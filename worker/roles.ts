import { ConfigInvalid } from './config.ts';

/**
 * What a worker process does. `workflow`: moves runs on, and the short activities; `model`: calls models, and has their
 * keys; `repl`: runs Python. Each has task queues of its own, so that they scale apart.
 */
export const ROLES = ['workflow', 'model', 'repl'] as const;
export type Role = (typeof ROLES)[number];

/** `workflow,model` as a set. Throws ConfigInvalid for an unknown name, and for none. */
export function parseRoles(text: string): ReadonlySet<Role> {
  const roles = new Set<Role>();
  for (const name of text.split(',').map((part) => part.trim())) {
    const role = ROLES.find((known) => known === name);
    if (role === undefined) {
      throw new ConfigInvalid(`There is no role "${name}": name some of ${ROLES.join(',')}.`);
    }
    roles.add(role);
  }
  return roles;
}
