import type { RlmClient, RunRequest } from '../../client/index.ts';
import type { Store } from '../../store/index.ts';
import type { Script } from '../workflows/fake-world.ts';

export interface Scenario {
  /** Name of the history's file: the feature that it guards. */
  name: string;
  request?: Partial<RunRequest>;
  script: (store: () => Store) => Script;
  /** A workflow that is no run, in place of one. */
  instead?: { workflow: string; args: unknown[] };
  /** What people do while the run goes on. */
  meanwhile?: (client: RlmClient, workflowId: string) => Promise<void>;
  /** Whose history is kept. Default: the run's last execution. */
  keep?: 'child' | 'first execution';
  /** Events after which the server suggests to continue as new. */
  suggestAt?: number;
}

/** Looks until the run shows something. */
export async function untilShown<T>(
  look: () => Promise<T | null | undefined>,
): Promise<NonNullable<T>> {
  for (;;) {
    const shown = await look();
    if (shown !== null && shown !== undefined) return shown;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
