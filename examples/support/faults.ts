/** What a scripted model does instead of answering well. */
export type Fault =
  /** An error response, with headers such as `retry-after`. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      /** The `error` object of the body; a string is sent as it is. */
      readonly error?: Readonly<Record<string, unknown>> | string;
    }
  /** Closes the connection without a byte. */
  | { readonly kind: 'reset' }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang' }
  /** Sends half of the answer and closes the connection, `clean` by the rules of HTTP. */
  | { readonly kind: 'cut'; readonly clean: boolean }
  /** Sends half of the answer and then an error event. */
  | { readonly kind: 'errorEvent'; readonly error: Readonly<Record<string, unknown>> }
  /** A stream whose events are no JSON. */
  | { readonly kind: 'malformed' }
  /** 200 with a page of HTML. */
  | { readonly kind: 'html' }
  /** A stream without choices. */
  | { readonly kind: 'emptyChoices' }
  /** The answer, but without token counts. */
  | { readonly kind: 'noUsage' }
  /** One character each `everyMs`. */
  | { readonly kind: 'drip'; readonly everyMs: number };
