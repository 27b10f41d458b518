import { CitationCheck } from '../protocol/index.ts';
import { activitySteps } from './activity-steps.ts';
import type { Trail } from './read-trail.ts';

/** The citations of a draft as they were looked up: how many of them stand in the inputs, and which do not. */
export interface CitationsLookedUp extends CitationCheck {
  /** Which draft it was. */
  summary: string | null;
}

/** The checks of a run in their order; the last one is that of its answer, when its answer cites anything. */
export function citationChecks(trail: Trail): CitationsLookedUp[] {
  return activitySteps(trail).flatMap(({ name, summary, closed }) => {
    if (name !== 'checkCitations') return [];
    const { data } = CitationCheck.safeParse(closed?.result);
    return data === undefined ? [] : [{ ...data, summary }];
  });
}
