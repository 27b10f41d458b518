/** The part of set-up that needs the project's packages; run by setup.mjs. Progress on stderr, the paths made on stdout. */
function say(line: string): void {
  process.stderr.write(`set-up: ${line}\n`);
}

async function timed<T>(
  what: string,
  work: () => Promise<T>,
  made: (value: T) => string,
): Promise<T> {
  const start = Date.now();
  const value = await work();
  say(`${what}: ${made(value)} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
  return value;
}

try {
  // Imported here, so that a package that does not load is one line too.
  const { prepareBaseImage } = await import('../repl/index.ts');
  const { loadWorkerConfig } = await import('../worker/config.ts');
  const { bundleWorkflows } = await import('../worker/workflow-bundle.ts');
  const { findTemporalCli } = await import('../worker/temporal-cli.ts');
  const { cacheDir } = loadWorkerConfig(process.env);
  const cli = await timed(
    'Temporal CLI',
    () => findTemporalCli({ cacheDir, log: say }),
    ({ version, source, path }) => `${version} from ${source}, ${path}`,
  );
  const image = await timed(
    "the kernel's base image",
    () => prepareBaseImage({ cacheDir, onProgress: say }),
    ({ runtime, built }) => `${built ? 'built' : 'found'}, ${runtime}`,
  );
  const bundle = await timed(
    'the workflows’ bundle',
    () => bundleWorkflows(cacheDir),
    ({ codePath }) => codePath,
  );
  console.log(JSON.stringify({ artifacts: [cli.path, image.path, bundle.codePath] }));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  say(message.replaceAll(/\s*\n\s*/g, ' '));
  if (process.argv.includes('--debug')) console.error(error);
  process.exitCode = 1;
}
