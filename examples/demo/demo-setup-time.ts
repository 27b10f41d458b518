/** Time that the set-up before this demo took, ms; null when it is not known. */
export function setupMs(): Promise<number | null> {
  return Promise.resolve(null);
}
