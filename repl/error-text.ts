/** What an unknown thrown value says; never throws itself. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
