import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedServer } from '../../worker/embedded-server.ts';
import { bundleWorkflows } from '../../worker/workflow-bundle.ts';

/** Once a test run: one in-memory Temporal server and one workflow bundle for all suites. Suites keep apart by task queue. */
export default async function setup(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'rlm-test-'));
  const bundle = join(directory, 'workflows.js');
  writeFileSync(bundle, (await bundleWorkflows()).code);
  process.env['RLM_TEST_BUNDLE'] = bundle;
  const server = await startEmbeddedServer({ inMemory: true, log: () => undefined });
  process.env['RLM_TEST_TEMPORAL'] = server.address;
  Object.assign(globalThis, { stopTestServer: () => server.stop() });
}
