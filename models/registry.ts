import { FailureType, type ModelCard } from '../protocol/index.ts';
import { askEndpoint, OPENAI_BASE_URL, parseBaseUrl, type Endpoint } from './endpoint.ts';
import { findKnownModel, KNOWN_MODELS, UNKNOWN_MODEL, type KnownModel } from './known-models.ts';
import { ModelError } from './model-failure.ts';

type ModelRole = 'root' | 'sub';

/** What a deployment adds to every card. */
interface CardDefaults {
  /** Task queue whose workers call models. */
  readonly taskQueue: string;
  /** Whole call in ms; default 10 minutes for a root model, 5 for a sub-model. */
  readonly timeoutMs?: number;
}

/** The models that this process can call. Keys stay inside; nothing that it returns to a workflow holds one. */
export interface Registry {
  /** Names that `card` accepts, sorted. */
  readonly names: readonly string[];
  /**
   * The card of a model; null is the default of the role. Throws ModelError InvalidInput for an unknown name
   * (the message lists the known ones) and when there is neither a key nor another base URL.
   */
  card(name: string | null, role: ModelRole, defaults: CardDefaults): Promise<ModelCard>;
  /** Where a registered name is served, with its key: for the provider client only. Throws as `card` does. */
  endpoint(name: string): Endpoint;
  /** Null when the model's endpoint answers and accepts the key, else one sentence that says what to do. Sends no prompt. */
  check(name: string | null, role: ModelRole): Promise<string | null>;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_NAMES: Record<ModelRole, string> = { root: 'gpt-5', sub: 'gpt-5-mini' };
const DEFAULT_TIMEOUT_MS: Record<ModelRole, number> = { root: 600_000, sub: 300_000 };

/** A stand-in costs nothing and its prompts are never counted against a context window. */
const STAND_IN_MODEL: KnownModel = {
  contextTokens: 10_000_000,
  maxOutputTokens: 100_000,
  prices: { inputUsdPerMTok: 0, cachedInputUsdPerMTok: 0, outputUsdPerMTok: 0 },
};

/**
 * The registry that the environment describes: `OPENAI_API_KEY` is enough; `OPENAI_BASE_URL` names another
 * endpoint, `RLM_MODEL` and `RLM_SUB_MODEL` the defaults, `RLM_MODELS` (comma-separated) more names that it
 * serves, `RLM_STAND_IN=1` marks it as the scripted stand-in. Reads nothing but `env`.
 */
export function loadRegistry(env: Environment): Registry {
  const baseUrl = parseBaseUrl('OPENAI_BASE_URL', env.OPENAI_BASE_URL?.trim() || OPENAI_BASE_URL);
  const ownEndpoint = baseUrl !== OPENAI_BASE_URL;
  const root = env.RLM_MODEL?.trim() || DEFAULT_NAMES.root;
  const defaultNames: Record<ModelRole, string> = {
    root,
    // Another endpoint serves the model that it was configured for, hardly OpenAI's small one.
    sub: env.RLM_SUB_MODEL?.trim() || (ownEndpoint ? root : DEFAULT_NAMES.sub),
  };
  const more = (env.RLM_MODELS ?? '').split(',').map((name) => name.trim());
  const names = [
    ...new Set([
      defaultNames.root,
      defaultNames.sub,
      ...more.filter((name) => name !== ''),
      ...(ownEndpoint ? [] : KNOWN_MODELS.keys()),
    ]),
  ].toSorted();
  let standIn = env.RLM_STAND_IN === '1' ? true : ownEndpoint ? undefined : false;

  function endpoint(name: string): Endpoint {
    if (!names.includes(name)) throw invalid(unknownName(name, names));
    const apiKey = env.OPENAI_API_KEY?.trim() ?? '';
    if (apiKey === '' && !ownEndpoint) {
      throw invalid(
        `No key for the model "${name}": set OPENAI_API_KEY, or OPENAI_BASE_URL to an endpoint that needs none.`,
      );
    }
    // The client refuses an empty key; endpoints without keys ignore what they get.
    return { baseUrl, apiKey: apiKey || 'none', keyVariable: 'OPENAI_API_KEY' };
  }

  async function isStandIn(at: Endpoint): Promise<boolean> {
    if (standIn !== undefined) return standIn;
    const report = await askEndpoint(at);
    // An endpoint that does not answer is asked again the next time.
    if (report.reachable) standIn = report.standIn;
    return standIn ?? false;
  }

  return {
    names,
    endpoint,
    card: async (name, role, defaults) => {
      const chosen = name ?? defaultNames[role];
      const stand = await isStandIn(endpoint(chosen));
      const known = stand ? STAND_IN_MODEL : (findKnownModel(chosen) ?? UNKNOWN_MODEL);
      return {
        name: chosen,
        model: chosen,
        contextTokens: known.contextTokens,
        maxOutputTokens: known.maxOutputTokens,
        prices: known.prices,
        timeoutMs: defaults.timeoutMs ?? DEFAULT_TIMEOUT_MS[role],
        taskQueue: defaults.taskQueue,
        standIn: stand,
      };
    },
    check: async (name, role) => {
      const report = await askEndpoint(endpoint(name ?? defaultNames[role]));
      return report.reachable ? null : report.failure.message;
    },
  };
}

function unknownName(name: string, names: readonly string[]): string {
  return `Unknown model "${name}": known are ${names.join(', ')} (RLM_MODEL, RLM_SUB_MODEL and RLM_MODELS add names).`;
}

function invalid(message: string): ModelError {
  return new ModelError({ type: FailureType.invalidInput, retryable: false, message });
}
