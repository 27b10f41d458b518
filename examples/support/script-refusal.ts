/** Thrown by a script to answer with an HTTP error of this message; 400 unless told otherwise. */
export class ScriptRefusal extends Error {
  override readonly name = 'ScriptRefusal';
  readonly status: number;

  constructor(message: string, status = 400) {
    super(message);
    this.status = status;
  }
}
