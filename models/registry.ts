import { type Digest, FailureType, type ModelCard } from '../protocol/index.ts';
import { canonicalJson, digestOf } from '../store/index.ts';
import { sourcesOfFile } from './config-file.ts';
import { askEndpoint, type Endpoint } from './endpoint.ts';
import { createLimiter, type Limiter } from './limiter.ts';
import { ModelError } from './model-failure.ts';
import { loadPrompts, type Prompts } from './prompts/prompt-set.ts';
import {
  type Environment,
  type ModelRole,
  type ModelSource,
  sourcesOfEnvironment,
} from './model-source.ts';

/** What a deployment adds to every card. */
interface CardDefaults {
  /** Task queue whose workers call models; a model with a queue of its own is called in `<taskQueue>-<name>`. */
  readonly taskQueue: string;
  /** Whole call in ms; default 10 minutes for a root model, 5 for a sub-model. */
  readonly timeoutMs?: number;
}

/** The models that this process can call. Keys stay inside; nothing that it returns to a workflow holds one. */
export interface Registry {
  /** Names that `card` accepts, sorted. */
  readonly names: readonly string[];
  /** The prompts of this deployment. */
  readonly prompts: Prompts;
  /**
   * The card of a model; null is the default of the role. Throws ModelError InvalidInput for an unknown name
   * (the message lists the known ones) and when its key is missing.
   */
  card(name: string | null, role: ModelRole, defaults: CardDefaults): Promise<ModelCard>;
  /** Cards of all models that somebody named and whose key is there, for calls that name one. Asks no endpoint. */
  named(defaults: CardDefaults): ModelCard[];
  /** Where a registered name is served, with its key: for the provider client only. Throws as `card` does. */
  endpoint(name: string): Endpoint;
  /** The queues that a process serves which calls all these models: their own ones, and `base` for the others and for runs of earlier releases. */
  queues(base: string): ModelQueue[];
  /** A digest of all that decides how a name is asked, but for the prompt and the key: equal ones may share answers. */
  identity(name: string): Digest;
  /** The limiter that all calls of this process to a registered name go through. */
  limiter(name: string): Limiter;
  /** Null when the model's endpoint answers and accepts the key, else one sentence that says what to do. Sends no prompt. */
  check(name: string | null, role: ModelRole): Promise<string | null>;
}

/** A queue of model calls. `perSecond` is what the configuration allows all workers together. */
export interface ModelQueue {
  readonly taskQueue: string;
  readonly perSecond?: number;
}

const DEFAULT_TIMEOUT_MS: Record<ModelRole, number> = { root: 600_000, sub: 300_000 };

/** A stand-in costs nothing and its prompts are never counted against a context window. */
const STAND_IN = {
  contextTokens: 10_000_000,
  maxOutputTokens: 100_000,
  prices: { inputUsdPerMTok: 0, cachedInputUsdPerMTok: 0, outputUsdPerMTok: 0 },
};

/**
 * The models of a deployment: those of the file that `RLM_CONFIG` names, else those that the environment
 * alone describes (`OPENAI_API_KEY` is enough). `RLM_STAND_IN=1` marks all as the scripted stand-in. With
 * `keysElsewhere` other processes call the models: no key is asked for. Reads
 * `env` and that file only, once. Throws ModelError InvalidInput.
 */
export function loadRegistry(
  env: Environment,
  { keysElsewhere = false }: { keysElsewhere?: boolean } = {},
): Registry {
  const file = env.RLM_CONFIG?.trim();
  const sources = file ? sourcesOfFile(file, env) : sourcesOfEnvironment(env);
  const names = [...sources.models.keys()].toSorted();
  const prompts = loadPrompts(sources.promptFolder);
  for (const [name, { promptVariant }] of sources.models) {
    if (promptVariant === undefined || prompts.variants.includes(promptVariant)) continue;
    throw invalid(
      `The model "${name}" asks for the prompt variant "${promptVariant}": there are ${prompts.variants.join(', ')}; a file sub-calls-${promptVariant}.md in the folder of prompts adds it.`,
    );
  }
  const limiters = new Map<string, Limiter>();
  /** What endpoints said of themselves, by base URL. */
  const standIns = new Map<string, boolean>();

  function source(name: string): ModelSource {
    const found = sources.models.get(name);
    if (found !== undefined) return found;
    throw invalid(`Unknown model "${name}": known are ${names.join(', ')} (${sources.howToAdd}).`);
  }

  function endpoint(name: string): Endpoint {
    const { keyVariable, baseUrl, outputLimitField, parameters, ...more } = source(name);
    const { jsonReplies, returnReasoning } = more;
    const where = {
      baseUrl,
      outputLimitField,
      parameters,
      ...(jsonReplies === undefined ? {} : { jsonReplies }),
      ...(returnReasoning === undefined ? {} : { returnReasoning }),
    };
    // The client refuses an empty key; endpoints without keys ignore what they get.
    if (keyVariable === null || keysElsewhere) {
      return { ...where, apiKey: 'none', keyVariable: 'OPENAI_API_KEY' };
    }
    const apiKey = env[keyVariable]?.trim() ?? '';
    if (apiKey !== '') return { ...where, apiKey, keyVariable };
    throw invalid(
      file
        ? `No key for the model "${name}": set ${keyVariable}.`
        : `No key for the model "${name}": set OPENAI_API_KEY, or OPENAI_BASE_URL to an endpoint that needs none.`,
    );
  }

  async function isStandIn(at: Endpoint): Promise<boolean> {
    if (env.RLM_STAND_IN === '1') return true;
    if (!mayBeStandIn(at.baseUrl)) return false;
    const known = standIns.get(at.baseUrl);
    if (known !== undefined) return known;
    const report = await askEndpoint(at);
    // An endpoint that does not answer is asked again the next time.
    if (!report.reachable) return false;
    standIns.set(at.baseUrl, report.standIn);
    return report.standIn;
  }

  async function cardOf(
    chosen: string,
    role: ModelRole,
    defaults: CardDefaults,
  ): Promise<Omit<ModelCard, 'fallbacks'>> {
    return plainCard(chosen, role, defaults, await isStandIn(endpoint(chosen)));
  }

  function fallbacksOf(name: string): string[] {
    const next = source(name).fallback;
    return next === undefined ? [] : [next, ...fallbacksOf(next)];
  }

  function hasKey(name: string): boolean {
    const { keyVariable } = source(name);
    return keyVariable === null || keysElsewhere || (env[keyVariable]?.trim() ?? '') !== '';
  }

  function plainCard(
    chosen: string,
    role: ModelRole,
    defaults: CardDefaults,
    standIn: boolean,
  ): Omit<ModelCard, 'fallbacks'> {
    const given = source(chosen);
    const { contextTokens, maxOutputTokens, prices } = standIn ? STAND_IN : given;
    return {
      name: chosen,
      model: given.model,
      contextTokens,
      maxOutputTokens,
      prices,
      timeoutMs: given.timeoutMs ?? defaults.timeoutMs ?? DEFAULT_TIMEOUT_MS[role],
      taskQueue: given.ownQueue ? queueOf(defaults.taskQueue, chosen) : defaults.taskQueue,
      standIn,
      ...(given.replies === undefined ? {} : { replies: given.replies }),
      ...(given.oneBlock === undefined ? {} : { oneBlock: given.oneBlock }),
      ...(given.promptVariant === undefined ? {} : { promptVariant: given.promptVariant }),
      ...(given.directChars === undefined ? {} : { directChars: given.directChars }),
    };
  }

  return {
    names,
    prompts,
    endpoint,
    card: async (name, role, defaults) => {
      const chosen = name ?? sources.defaults[role];
      const card = await cardOf(chosen, role, defaults);
      const fallbacks: ModelCard['fallbacks'] = [];
      for (const next of fallbacksOf(chosen)) {
        fallbacks.push(await cardOf(next, role, defaults));
      }
      return { ...card, ...(fallbacks.length === 0 ? {} : { fallbacks }) };
    },
    named: (defaults) =>
      [...sources.models]
        .filter(([name, { ownQueue }]) => ownQueue && hasKey(name))
        .map(([name]) => {
          const card = plainCard(name, 'sub', defaults, false);
          const chain = fallbacksOf(name).filter(hasKey);
          const fallbacks = chain.map((next) => plainCard(next, 'sub', defaults, false));
          return { ...card, ...(fallbacks.length === 0 ? {} : { fallbacks }) };
        }),
    queues: (base) => [
      { taskQueue: base },
      ...[...sources.models].flatMap(([name, { ownQueue, rateLimits }]) =>
        ownQueue
          ? [
              {
                taskQueue: queueOf(base, name),
                ...(rateLimits.requestsPerMinute === undefined
                  ? {}
                  : { perSecond: rateLimits.requestsPerMinute / 60 }),
              },
            ]
          : [],
      ),
    ],
    identity: (name) => {
      const { model, baseUrl, parameters, maxOutputTokens } = source(name);
      const asked = { model, baseUrl, parameters, maxOutputTokens };
      return digestOf(Buffer.from(canonicalJson(asked), 'utf8'));
    },
    limiter: (name) => {
      const limiter = limiters.get(name) ?? createLimiter(name, source(name).rateLimits);
      limiters.set(name, limiter);
      return limiter;
    },
    check: async (name, role) => {
      const report = await askEndpoint(endpoint(name ?? sources.defaults[role]));
      return report.reachable ? null : report.failure.message;
    },
  };
}

/** A public provider is never asked whether it is a stand-in: those run on a machine or network of one's own. */
function mayBeStandIn(baseUrl: string): boolean {
  const host = new URL(baseUrl).hostname;
  return (
    !host.includes('.') ||
    /^(127|10|192\.168|172\.(1[6-9]|2\d|3[01]))\./.test(host) ||
    host.startsWith('[')
  );
}

function queueOf(base: string, model: string): string {
  return `${base}-${model}`;
}

function invalid(message: string): ModelError {
  return new ModelError({ type: FailureType.invalidInput, retryable: false, message });
}
