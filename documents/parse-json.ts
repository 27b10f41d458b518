import { type InputValue, JsonText } from '../store/index.ts';

/**
 * The value of a JSON document. A text or a dict of texts becomes one, so that it is listed text by text; anything else
 * goes to Python as it is written, since JavaScript would change `1.0`, large integers and the order of numeric keys.
 * Throws SyntaxError when it is not JSON.
 */
export function parseJsonDocument(text: string): InputValue {
  const value: unknown = JSON.parse(text);
  if (typeof value === 'string') return value;
  return isTexts(value) ? value : new JsonText(text);
}

function isTexts(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length > 0 &&
    entries.every(([key, item]) => typeof item === 'string' && !/^\d+$/.test(key)) &&
    !Object.hasOwn(value, '__proto__')
  );
}
