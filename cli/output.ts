/** The result of a command: what a pipe gets. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What a person is told beside the result. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Log lines of servers and workers are shown with `--debug` only. */
export function logTo(debug: boolean): (line: string) => void {
  return debug ? say : () => undefined;
}
