import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type TemplateValues = Readonly<Record<string, string | boolean>>;

/** A prompt file of this folder. `replacements` names a folder whose files go before it; a file missing there is taken from here. */
export function loadPrompt(name: string, replacements?: string): string {
  const replacement = replacements === undefined ? undefined : join(replacements, name);
  if (replacement !== undefined && existsSync(replacement))
    return readFileSync(replacement, 'utf8');
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
