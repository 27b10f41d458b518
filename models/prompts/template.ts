export type TemplateValues = Readonly<Record<string, string | boolean>>;

/** What a template may ask for: flags choose sections, texts are put in. */
export interface Placeholders {
  readonly flags: readonly string[];
  readonly texts: readonly string[];
}

const SECTION = /^\{\{([#^])(\w+)\}\}\n([\s\S]*?)^\{\{\/\2\}\}\n/gm;
const VALUE = /\{\{(\w+)\}\}/g;

/**
 * Fills `{{name}}`, keeps what is between `{{#name}}` and `{{/name}}` when the value is true, between
 * `{{^name}}` and `{{/name}}` when it is false. Values are put in as they are and never filled again.
 * Throws a TypeError that names a placeholder without a value: a typo in a replaced prompt must not reach a model.
 */
export function fillTemplate(template: string, values: TemplateValues): string {
  const chosen = template.replaceAll(SECTION, (_, kind: string, name: string, body: string) =>
    valueOf(values, name) === (kind === '#') ? body : '',
  );
  return chosen.replaceAll(VALUE, (_, name: string) => String(valueOf(values, name)));
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

/** What is wrong with a template, as a clause; null when it can be filled with such values. */
export function templateProblem(template: string, { flags, texts }: Placeholders): string | null {
  if (template.trim() === '') return 'it is empty';
  for (const [, mark, name = '', body = ''] of template.matchAll(SECTION)) {
    if (!flags.includes(name)) {
      return `it asks whether {{${mark}${name}}}, ${whatThereIs('flags', flags)}`;
    }
    if (/\{\{[#^/]/.test(body)) return `the section {{${mark}${name}}} holds another section`;
  }
  const outside = template.replaceAll(SECTION, '$3');
  const open = /\{\{[#^/]\w+\}\}/.exec(outside)?.[0];
  if (open !== undefined) {
    return `${open} belongs to no section: a section begins with {{#name}} or {{^name}} and ends with {{/name}}, each on a line of its own`;
  }
  for (const [, name = ''] of outside.matchAll(VALUE)) {
    if (!texts.includes(name)) return `it asks for {{${name}}}, ${whatThereIs('texts', texts)}`;
  }
  return null;
}

function whatThereIs(what: string, names: readonly string[]): string {
  if (names.length === 0) return `and has no ${what}`;
  return `its ${what} are ${names.join(', ')}`;
}
