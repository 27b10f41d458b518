import { FailureType, type ModelPrices } from '../protocol/index.ts';
import { type JsonReplies, OPENAI_BASE_URL, parseBaseUrl } from './endpoint.ts';
import { findKnownModel, KNOWN_MODELS, UNKNOWN_MODEL } from './known-models.ts';
import type { RateLimits } from './limiter.ts';
import { ModelError } from './model-failure.ts';

export type ModelRole = 'root' | 'sub';

export type Environment = Readonly<Record<string, string | undefined>>;

export type OutputLimitField = 'max_tokens' | 'max_completion_tokens';

/** OpenAI's newer models refuse the older name of the field, through any gateway; most other servers know only that one. */
export function outputLimitFieldOf(model: string): OutputLimitField {
  return findKnownModel(model) === undefined ? 'max_tokens' : 'max_completion_tokens';
}

/** All that a deployment says of one model. Holds the name of the key's variable, never the key. */
export interface ModelSource {
  /** Model id sent to the provider. */
  readonly model: string;
  readonly baseUrl: string;
  /** Null when the endpoint needs no key. */
  readonly keyVariable: string | null;
  readonly contextTokens: number;
  readonly maxOutputTokens: number;
  readonly prices: ModelPrices | null;
  /** Field of a request that carries the output limit. */
  readonly outputLimitField: OutputLimitField;
  /** Whole call; null is the default of the role. */
  readonly timeoutMs: number | null;
  /** Further fields of each request, for instance `temperature`. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly rateLimits: RateLimits;
  /** How the model writes its cells as a root model; absent: as blocks of its text. */
  readonly replies?: 'text' | 'tool';
  /** Part of the prompts that says how much it should use sub-calls; absent: that of its family. */
  readonly promptVariant?: string;
  /** Inputs of at most so many characters are shown to it whole; absent: by its context window. */
  readonly directChars?: number;
  /** Name of the model that is asked when this one cannot be reached. */
  readonly fallback?: string;
  /** See `ModelCard`. */
  readonly oneBlock?: boolean;
  /** See `Endpoint`. */
  readonly jsonReplies?: JsonReplies;
  readonly returnReasoning?: readonly string[];
  /** Whether its calls wait in a queue of their own: those of models that somebody named do. */
  readonly ownQueue: boolean;
}

/** What the environment says of all models that say nothing themselves. Throws ModelError InvalidInput. */
export function promptDefaults(
  env: Environment,
): Pick<ModelSource, 'promptVariant' | 'directChars'> {
  const promptVariant = env.RLM_PROMPT_VARIANT?.trim();
  const chars = env.RLM_DIRECT_CHARS?.trim();
  if (chars && !/^\d{1,9}$/.test(chars)) {
    throw new ModelError({
      type: FailureType.invalidInput,
      retryable: false,
      message: `RLM_DIRECT_CHARS must be a number of characters (0 shows no input whole), not ${JSON.stringify(chars.slice(0, 40))}.`,
    });
  }
  return {
    ...(promptVariant ? { promptVariant } : {}),
    ...(chars ? { directChars: Number(chars) } : {}),
  };
}

/** The models of a deployment and which of them are used when a run names none. */
export interface ModelSources {
  readonly models: ReadonlyMap<string, ModelSource>;
  readonly defaults: Readonly<Record<ModelRole, string>>;
  /** Folder with replacements for the prompt files. */
  readonly promptFolder: string | undefined;
  /** How a name is added, for the message about an unknown one. */
  readonly howToAdd: string;
}

const DEFAULT_NAMES: Record<ModelRole, string> = { root: 'gpt-5', sub: 'gpt-5-mini' };

/**
 * What the environment alone describes: one endpoint (`OPENAI_BASE_URL`, by default OpenAI's), the defaults
 * (`RLM_MODEL`, `RLM_SUB_MODEL`), more names that it serves (`RLM_MODELS`, comma-separated), a folder of
 * prompts (`RLM_PROMPTS`). Throws ModelError InvalidInput for a base URL that is none.
 */
export function sourcesOfEnvironment(env: Environment): ModelSources {
  const baseUrl = parseBaseUrl('OPENAI_BASE_URL', env.OPENAI_BASE_URL?.trim() || OPENAI_BASE_URL);
  const ownEndpoint = baseUrl !== OPENAI_BASE_URL;
  const root = env.RLM_MODEL?.trim() || DEFAULT_NAMES.root;
  const defaults = {
    root,
    // Another endpoint serves the model that it was configured for, hardly OpenAI's small one.
    sub: env.RLM_SUB_MODEL?.trim() || (ownEndpoint ? root : DEFAULT_NAMES.sub),
  };
  const more = (env.RLM_MODELS ?? '').split(',').map((name) => name.trim());
  const named = new Set([...Object.values(defaults), ...more.filter((name) => name !== '')]);
  const names = new Set([...named, ...(ownEndpoint ? [] : KNOWN_MODELS.keys())]);
  const hasKey = (env.OPENAI_API_KEY?.trim() ?? '') !== '';
  const shared = {
    baseUrl,
    keyVariable: ownEndpoint && !hasKey ? null : 'OPENAI_API_KEY',
    timeoutMs: null,
    parameters: {},
    rateLimits: {},
    ...promptDefaults(env),
  };
  return {
    models: new Map(
      [...names].map((model) => [
        model,
        {
          model,
          ...shared,
          ...(findKnownModel(model) ?? UNKNOWN_MODEL),
          outputLimitField: outputLimitFieldOf(model),
          ownQueue: named.has(model),
        },
      ]),
    ),
    defaults,
    promptFolder: env.RLM_PROMPTS?.trim() || undefined,
    howToAdd: 'RLM_MODEL, RLM_SUB_MODEL and RLM_MODELS add names',
  };
}
