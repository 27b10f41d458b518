import { CliError } from './cli-error.ts';
import { modelEnvironment } from './model-environment.ts';

/**
 * Asks the endpoints of both models before anything is stored or started, so that a wrong key or address costs
 * one sentence instead of a failed run. Throws CliError. Sends no prompt.
 */
export async function checkModels(model?: string, subModel?: string): Promise<void> {
  const { loadRegistry } = await import('../models/index.ts');
  const registry = loadRegistry(modelEnvironment());
  const problem =
    (await registry.check(model ?? null, 'root')) ??
    (await registry.check(subModel ?? null, 'sub'));
  if (problem !== null) throw new CliError(problem);
}

/** Whether this environment names a model endpoint at all. */
export function modelsAreConfigured(): boolean {
  const env = modelEnvironment();
  return [env['OPENAI_API_KEY'], env['OPENAI_BASE_URL'], env['RLM_CONFIG']].some(
    (value) => (value ?? '') !== '',
  );
}
