/** Longest wait that a provider's header may ask for, in ms: a clock gone wrong must not park a call for days. */
const MAX_RETRY_DELAY_MS = 10 * 60_000;

/**
 * What a provider asks to wait before the next attempt, in ms: `retry-after-ms`, else `retry-after` in
 * seconds or as an HTTP date. Undefined when there is no such header or it makes no sense.
 */
export function retryDelayMs(headers: Headers | undefined, nowMs: number): number | undefined {
  const millis = positive(headers?.get('retry-after-ms'));
  if (millis !== undefined) return capped(millis);
  const after = headers?.get('retry-after');
  const seconds = positive(after);
  if (seconds !== undefined) return capped(seconds * 1000);
  // Only what looks like an HTTP date: `Date.parse` makes a year of "-5".
  const date = /^[A-Z][a-z]{2}, /.test(after ?? '') ? Date.parse(after ?? '') : Number.NaN;
  return Number.isNaN(date) ? undefined : capped(Math.max(0, date - nowMs));
}

function positive(text: string | null | undefined): number | undefined {
  if (!text || !/^\s*\d+(\.\d+)?\s*$/.test(text)) return undefined;
  return Number(text);
}

function capped(delayMs: number): number {
  return Math.min(Math.ceil(delayMs), MAX_RETRY_DELAY_MS);
}
