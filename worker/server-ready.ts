import { setTimeout } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';

const NAMESPACE = 'default';
/** Histories of closed runs: the server deletes them after this. */
const RETENTION_MS = 90 * 24 * 3_600_000;
const ASK_TIMEOUT_MS = 2_000;
const LOOK_MS = 25;

/** True once the server answers for its default namespace; false when it does not in time, or has `ended`. */
export async function isServing(
  address: string,
  timeoutMs: number,
  ended: Promise<void> = new Promise(() => {}),
): Promise<boolean> {
  let gaveUp = false;
  void ended.finally(() => {
    gaveUp = true;
  });
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const serves = await withConnection(address, async (connection) => {
      await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
      return true;
    }).catch(() => false);
    if (serves) return true;
    if (gaveUp || Date.now() > deadline) return false;
    await setTimeout(LOOK_MS);
  }
}

/** Sets the namespace to keep the histories of closed runs for 90 days instead of one. */
export async function keepHistories(address: string): Promise<void> {
  await withConnection(address, async (connection) => {
    const service = connection.workflowService;
    const { config } = await service.describeNamespace({ namespace: NAMESPACE });
    const kept = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0);
    if (kept * 1000 >= RETENTION_MS) return;
    await service.updateNamespace({
      namespace: NAMESPACE,
      config: { workflowExecutionRetentionTtl: msToTs(RETENTION_MS) },
    });
  });
}

async function withConnection<T>(
  address: string,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const connection = Connection.lazy({ address, connectTimeout: ASK_TIMEOUT_MS });
  try {
    return await connection.withDeadline(Date.now() + ASK_TIMEOUT_MS, () => work(connection));
  } finally {
    await connection.close();
  }
}
