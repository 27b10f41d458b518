import type { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../protocol/index.ts';

/**
 * Whether the server knows every search attribute of a run. An unknown one makes each workflow task fail and
 * be retried for ever, so runs leave them out unless this is certain.
 */
export async function hasSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<boolean> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace,
    });
    return Object.keys(SEARCH_ATTRIBUTES).every((name) => name in (customAttributes ?? {}));
  } catch {
    // Servers may refuse operator calls to ordinary callers; the run works without the attributes.
    return false;
  }
}
