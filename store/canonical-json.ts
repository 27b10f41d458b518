import { inspect } from 'node:util';

/**
 * JSON text with the keys of each object in code-unit order and no spaces. As JSON.stringify, keys whose value is
 * undefined are left out; unlike it, a value that JSON cannot hold (NaN, a bigint, a function) is refused.
 */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') {
    return JSON.stringify(value);
  }
  if (typeof value === 'number' && Number.isFinite(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(',')}]`;
  if (typeof value === 'object' && isPlain(value)) {
    const fields = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`);
    return `{${fields.join(',')}}`;
  }
  throw new TypeError(`not a JSON value: ${inspect(value, { depth: 0 })}`);
}

function isPlain(value: object): boolean {
  // Compared by shape: a value may come from another realm (a test runner's, a sandbox's).
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
