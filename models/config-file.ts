import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { FailureType } from '../protocol/index.ts';
import { OPENAI_BASE_URL } from './endpoint.ts';
import { findKnownModel, UNKNOWN_MODEL } from './known-models.ts';
import { ModelError } from './model-failure.ts';
import { nearestName } from './nearest-name.ts';
import {
  type Environment,
  type ModelSource,
  type ModelSources,
  outputLimitFieldOf,
  promptDefaults,
} from './model-source.ts';

const price = z.number().nonnegative();

/** Fields of a request that the engine itself sets. */
const OWN_FIELDS = [
  'model',
  'messages',
  'stream',
  'stream_options',
  'tools',
  'tool_choice',
  'n',
  'max_tokens',
  'max_completion_tokens',
];

const Prices = z.strictObject({
  inputUsdPerMTok: price,
  cachedInputUsdPerMTok: price.optional(),
  outputUsdPerMTok: price,
});

const RateLimitFields = z.strictObject({
  concurrency: z.int().positive().optional(),
  requestsPerMinute: z.number().positive().optional(),
  tokensPerMinute: z.number().positive().optional(),
});

const OutputLimitField = z.enum(['max_tokens', 'max_completion_tokens']);

/** As many as a card holds. */
const MOST_FALLBACKS = 8;

const ModelEntry = z.strictObject({
  /** Default: the name. */
  model: z.string().min(1).max(200).optional(),
  baseUrl: z
    .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
    // Base URLs stand in messages that histories keep.
    .refine((url) => !holdsSecret(url), {
      error:
        'may not hold a user name, password or query: a key belongs into the variable that keyVariable names',
    })
    .optional(),
  keyVariable: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'expected the name of an environment variable, never a key')
    .nullable()
    .default('OPENAI_API_KEY'),
  contextTokens: z.int().positive().optional(),
  maxOutputTokens: z.int().positive().optional(),
  /** Default: `max_completion_tokens` for models known to want it, else `max_tokens`. */
  outputLimitField: OutputLimitField.optional(),
  prices: Prices.optional(),
  timeoutMs: z.int().positive().optional(),
  /** `tool`: as a root model it calls a tool `python`, instead of writing code blocks. */
  replies: z.enum(['text', 'tool']).optional(),
  /** As a root model: its reply is stopped after the first whole block of code. */
  oneBlock: z.boolean().optional(),
  /** Another of the models, asked when this one cannot be reached. */
  fallback: z.string().min(1).max(200).optional(),
  /** `schema`, `object`: the endpoint takes `response_format` with `json_schema` or `json_object`. */
  jsonReplies: z.enum(['schema', 'object']).optional(),
  /** Fields of a reply that the API wants back with the conversation, beside or instead of those known. */
  returnReasoning: z.array(z.string().min(1).max(100)).max(16).optional(),
  /** `frugal` or `encouraged` with sub-calls, or one of the folder of prompts. Default: by the model's family. */
  promptVariant: z.string().min(1).max(100).optional(),
  /** Inputs of at most so many characters in all are shown to it whole; 0: none are. */
  directChars: z.int().nonnegative().optional(),
  parameters: z
    .record(z.string(), z.json())
    .refine((fields) => !OWN_FIELDS.some((name) => name in fields), {
      error: `may not hold ${OWN_FIELDS.join(', ')}`,
    })
    .default({}),
  rateLimits: RateLimitFields.default({}),
});

const ConfigFile = z.strictObject({
  models: z.record(z.string().min(1).max(200), ModelEntry),
  /** Names of the models that a run uses when it names none; `sub` is by default the root model. */
  root: z.string(),
  sub: z.string().optional(),
  /** Folder with replacements for the prompt files, from the folder of this file. */
  prompts: z.string().min(1).optional(),
});

/**
 * The models of a configuration file: JSON, or a module (`.ts`, `.mjs`, `.js`) whose default export is the
 * same object. `RLM_MODEL` and `RLM_SUB_MODEL` choose other defaults among its names. Throws ModelError
 * InvalidInput that names the file and the item.
 */
export function sourcesOfFile(file: string, env: Environment): ModelSources {
  const path = resolve(file);
  const parsed = ConfigFile.safeParse(load(path));
  if (!parsed.success) {
    const problems = z.prettifyError(parsed.error).replaceAll('✖', '').replaceAll(/\s+/g, ' ');
    throw invalid(path, problems.trim() + meant(parsed.error));
  }
  const { models, root, sub = root, prompts } = parsed.data;
  const defaults = {
    root: env.RLM_MODEL?.trim() || root,
    sub: env.RLM_SUB_MODEL?.trim() || sub,
  };
  for (const [role, name] of Object.entries(defaults)) {
    if (models[name] !== undefined) continue;
    const names = Object.keys(models).join(', ');
    throw invalid(path, `the ${role} model "${name}" is not among its models (${names})`);
  }
  for (const name of Object.keys(models)) checkFallbacks(path, name, models);
  const folder = env.RLM_PROMPTS?.trim();
  return {
    models: new Map(
      Object.entries(models).map(([name, entry]) => [
        name,
        { ...promptDefaults(env), ...sourceOf(name, entry) },
      ]),
    ),
    defaults,
    promptFolder: folder || (prompts === undefined ? undefined : resolve(dirname(path), prompts)),
    howToAdd: `${path} adds names`,
  };
}

function sourceOf(name: string, entry: z.infer<typeof ModelEntry>): ModelSource {
  const model = entry.model ?? name;
  const known = findKnownModel(model) ?? UNKNOWN_MODEL;
  const { prices } = entry;
  return {
    model,
    baseUrl: (entry.baseUrl ?? OPENAI_BASE_URL).replace(/\/+$/, ''),
    keyVariable: entry.keyVariable,
    contextTokens: entry.contextTokens ?? known.contextTokens,
    maxOutputTokens: entry.maxOutputTokens ?? known.maxOutputTokens,
    prices:
      prices === undefined
        ? known.prices
        : { cachedInputUsdPerMTok: prices.inputUsdPerMTok, ...prices },
    timeoutMs: entry.timeoutMs ?? null,
    outputLimitField: entry.outputLimitField ?? outputLimitFieldOf(model),
    parameters: entry.parameters,
    rateLimits: entry.rateLimits,
    ownQueue: true,
    ...given(entry, [
      'replies',
      'oneBlock',
      'fallback',
      'jsonReplies',
      'returnReasoning',
      'promptVariant',
      'directChars',
    ]),
  };
}

function given<T extends object, K extends keyof T>(
  from: T,
  names: readonly K[],
): Partial<Pick<T, K>> {
  const present: Partial<Pick<T, K>> = {};
  for (const name of names) if (from[name] !== undefined) present[name] = from[name];
  return present;
}

/** Each must be there, write its cells in the same way (the conversation goes on with it), and not lead back. */
function checkFallbacks(
  path: string,
  name: string,
  models: Readonly<Record<string, z.infer<typeof ModelEntry>>>,
): void {
  const seen = [name];
  let entry = models[name];
  while (entry?.fallback !== undefined) {
    const next = entry.fallback;
    const of = `the fallback "${next}" of "${seen.at(-1)}"`;
    const found = models[next];
    if (found === undefined) {
      throw invalid(path, `${of} is not among its models (${Object.keys(models).join(', ')})`);
    }
    if (seen.includes(next)) throw invalid(path, `${of} leads back to it`);
    if (seen.length > MOST_FALLBACKS)
      throw invalid(path, `"${name}" has more than ${MOST_FALLBACKS} fallbacks`);
    if ((found.replies ?? 'text') !== (entry.replies ?? 'text')) {
      throw invalid(path, `${of} must have the same "replies"`);
    }
    seen.push(next);
    entry = found;
  }
}

function load(path: string): unknown {
  try {
    if (path.endsWith('.json')) return JSON.parse(readFileSync(path, 'utf8'));
    const loaded: unknown = createRequire(import.meta.url)(path);
    return Reflect.get(Object(loaded), 'default') ?? loaded;
  } catch (error) {
    const text = String(Reflect.get(Object(error), 'message') ?? error);
    throw invalid(path, text.split('\n')[0] ?? '');
  }
}

/** What was meant by options that there are not, as far as that can be guessed. */
function meant({ issues }: z.ZodError): string {
  const known = new Set([
    ...Object.keys(ConfigFile.shape),
    ...Object.keys(ModelEntry.shape),
    ...Object.keys(Prices.shape),
    ...Object.keys(RateLimitFields.shape),
  ]);
  const unknown = issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []));
  const guesses = unknown.flatMap((key) => {
    const name = nearestName(key, known);
    return name === null || name === key ? [] : [`"${name}" for "${key}"`];
  });
  return guesses.length === 0 ? '' : ` (did you mean ${guesses.join(', ')}?)`;
}

function holdsSecret(url: string): boolean {
  const { username = '', password = '', search = '' } = URL.parse(url) ?? {};
  return username + password + search !== '';
}

function invalid(path: string, problem: string): ModelError {
  return new ModelError({
    type: FailureType.invalidInput,
    retryable: false,
    message: `The model configuration ${path} cannot be used: ${problem}.`,
  });
}
