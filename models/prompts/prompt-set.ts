import { isUtf8 } from 'node:buffer';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FailureType } from '../../protocol/index.ts';
import { ModelError } from '../model-failure.ts';
import {
  fillTemplate,
  type Placeholders,
  templateProblem,
  type TemplateValues,
} from './template.ts';

interface PromptForm extends Placeholders {
  /** Without these the model would not know what it is asked. */
  readonly required: readonly string[];
}

/** The prompts of this folder, by file, and what each may ask for. */
export const PROMPT_FORMS = {
  'system.md': {
    flags: ['tool_replies', 'recursion', 'has_tools', 'has_packages'],
    texts: ['sub_model', 'tools', 'packages', 'sub_calls'],
    required: [],
  },
  'question.md': {
    flags: ['has_schema', 'has_limits', 'whole'],
    texts: ['question', 'answer_schema', 'limits', 'shape', 'total_chars', 'inputs'],
    required: ['question', 'inputs'],
  },
  'continue.md': {
    flags: ['has_schema', 'has_limits', 'has_inputs', 'has_packages', 'whole'],
    texts: ['question', 'answer_schema', 'limits', 'total_chars', 'inputs', 'packages'],
    required: ['question', 'inputs'],
  },
  'answer-now.md': { flags: ['has_schema'], texts: ['answer_schema'], required: [] },
  'summarise.md': { flags: [], texts: [], required: [] },
} satisfies Record<string, PromptForm>;
export type PromptName = keyof typeof PROMPT_FORMS;

const NAMES = Object.keys(PROMPT_FORMS);
/** How much a model should use sub-calls: `sub-calls-NAME.md`, a part of the system prompt. */
const VARIANT = /^sub-calls-([\w.-]+)\.md$/;
const VARIANT_FORM: PromptForm = { flags: [], texts: ['sub_model'], required: [] };

/** The prompts of a deployment, read once: a file that changes later changes no run. */
export interface Prompts {
  /** Names of the variants, sorted. */
  readonly variants: readonly string[];
  /** The prompt with its values. Throws a TypeError for a value that is missing: a mistake of this room. */
  fill(name: PromptName, values: TemplateValues): string;
  /** The part of the system prompt that a variant is, without white space around it. Throws ModelError InvalidInput for an unknown one. */
  variant(name: string, values: TemplateValues): string;
}

/**
 * The prompts of this folder, and before them those of the folder `replacements`. Throws ModelError InvalidInput, which
 * names folder and file, for a file that cannot be read or filled, or that replaces nothing: a typo must be found when
 * a worker starts, not by a model.
 */
export function loadPrompts(replacements?: string): Prompts {
  const texts = new Map<string, string>();
  readFolder(import.meta.dirname, texts);
  if (replacements !== undefined) readFolder(replacements, texts);
  const text = (name: string): string | undefined => texts.get(name);
  const variants = [...texts.keys()].flatMap((file) => VARIANT.exec(file)?.[1] ?? []).toSorted();
  return {
    variants,
    fill: (name, values) => fillTemplate(text(name) ?? '', values),
    variant: (name, values) => {
      const found = text(`sub-calls-${name}.md`);
      if (found !== undefined) return fillTemplate(found, values).trim();
      throw unusable(
        `There is no prompt variant "${name}": there are ${variants.join(', ')}; a file sub-calls-${name}.md in the folder of prompts adds it.`,
      );
    },
  };
}

function readFolder(folder: string, texts: Map<string, string>): void {
  const fail = (what: string): ModelError =>
    unusable(`The prompts in ${folder} cannot be used: ${what}.`);
  if (!existsSync(folder)) throw fail('there is no such folder');
  if (!statSync(folder).isDirectory()) throw fail('it is no folder');
  for (const file of readdirSync(folder).toSorted()) {
    if (!file.endsWith('.md') || file === 'README.md') continue;
    const form = formOf(file);
    if (form === undefined) {
      throw fail(
        `${file} replaces nothing; the files are ${NAMES.join(', ')}, and sub-calls-NAME.md for a variant`,
      );
    }
    const text = read(join(folder, file), (why) => fail(`${file}: ${why}`));
    const problem = templateProblem(text, form) ?? missing(text, form);
    if (problem !== null) throw fail(`${file}: ${problem}`);
    texts.set(file, text);
  }
}

function formOf(file: string): PromptForm | undefined {
  if (VARIANT.test(file)) return VARIANT_FORM;
  return Object.entries(PROMPT_FORMS).find(([name]) => name === file)?.[1];
}

function read(path: string, fail: (why: string) => ModelError): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw fail(String(error));
  }
  if (!isUtf8(bytes)) throw fail('it is not UTF-8');
  return bytes.toString('utf8').replaceAll('\r\n', '\n');
}

function missing(text: string, { required }: PromptForm): string | null {
  const lost = required.find((name) => !text.includes(`{{${name}}}`));
  return lost === undefined ? null : `it lacks {{${lost}}}`;
}

function unusable(message: string): ModelError {
  return new ModelError({ type: FailureType.invalidInput, retryable: false, message });
}
