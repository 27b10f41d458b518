import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { CollectGarbageInput, CollectGarbageResult } from '../protocol/index.ts';
import { COLLECTION } from './activity-options.ts';

const { collectGarbage } = proxyActivities<Activities>(COLLECTION);

/** One collection of the store's garbage; what a schedule starts. */
export async function garbageCollection(input: CollectGarbageInput): Promise<CollectGarbageResult> {
  return collectGarbage.executeWithOptions({ summary: 'mark from the roots, then sweep' }, [input]);
}
