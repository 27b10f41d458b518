import { readFileSync } from 'node:fs';

export type TemplateValues = Readonly<Record<string, string | boolean>>;

/** A prompt file of this folder. `RLM_PROMPTS` may name a folder with replacements; a file missing there is taken from here. */
export function loadPrompt(name: string, replacements?: string): string {
  if (replacements !== undefined) {
    try {
      return readFileSync(`${replacements}/${name}`, 'utf8');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
  }
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

/**
 * Fills `{{name}}`, keeps what is between `{{#name}}` and `{{/name}}` when the value is true, between
 * `{{^name}}` and `{{/name}}` when it is false. Values are put in as they are and never filled again.
 * Throws a TypeError that names a placeholder without a value: a typo in a replaced prompt must not reach a model.
 */
export function fillTemplate(template: string, values: TemplateValues): string {
  const chosen = template.replaceAll(
    /^\{\{([#^])(\w+)\}\}\n([\s\S]*?)^\{\{\/\2\}\}\n/gm,
    (_, kind: string, name: string, body: string) =>
      valueOf(values, name) === (kind === '#') ? body : '',
  );
  return chosen.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => String(valueOf(values, name)));
}

function valueOf(values: TemplateValues, name: string): string | boolean {
  const value = values[name];
  if (value === undefined) {
    throw new TypeError(
      `the prompt asks for {{${name}}}; it may use ${Object.keys(values)
        .map((known) => `{{${known}}}`)
        .join(', ')}`,
    );
  }
  return value;
}
