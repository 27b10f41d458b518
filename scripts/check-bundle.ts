/** Bundles the workflows as a worker does, with nothing ignored: fails when they reach a Node module or a room that does not replay. */
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { z } from 'zod';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** The rooms that replay; no other may be in the sandbox. */
const ROOMS = new Set(['workflows', 'protocol']);
/** Every worker loads it at its start and compiles it for each of its threads. */
const MAX_BUNDLE_BYTES = 4 * 1024 * 1024;

const SourceMap = z.object({ sources: z.array(z.string()) });

/** Sources of the project in a bundle, by its inline source map: `workflows/rlm-run.ts`. */
function ownSources(code: string): string[] {
  const encoded = /sourceMappingURL=data:application\/json;[^,]*base64,(\S+)/.exec(code)?.[1];
  if (encoded === undefined) throw new Error('it has no source map');
  const map: unknown = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
  return SourceMap.parse(map)
    .sources.map((source) => relative(ROOT, source))
    .filter((path) => path.endsWith('.ts') && !path.startsWith('node_modules'));
}

try {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(ROOT, 'workflows', 'index.ts'),
    logger: new DefaultLogger('WARN'),
  });
  const sources = ownSources(code);
  const strangers = sources.filter((path) => !ROOMS.has(path.split(sep)[0] ?? ''));
  if (sources.length === 0) throw new Error('no source of the project was found in it');
  if (strangers.length > 0) throw new Error(`it holds ${strangers.join(', ')}`);
  const bytes = Buffer.byteLength(code);
  if (bytes > MAX_BUNDLE_BYTES) {
    throw new Error(`it has ${bytes} bytes, more than ${MAX_BUNDLE_BYTES}`);
  }
  const size = (bytes / 1024 / 1024).toFixed(1);
  console.log(`workflow bundle: ${size} MiB of ${sources.length} sources, nothing of Node in it`);
} catch (error) {
  console.error(`workflow bundle: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
