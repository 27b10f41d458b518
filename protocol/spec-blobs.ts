import type { Digest } from './digest.ts';
import type { RunSpec } from './run-spec.ts';

/** Everything in the store that a spec names. */
export function blobsOfSpec({ question, inputs, answerSchema, tools }: RunSpec): Digest[] {
  return [
    question.digest,
    ...inputs.map(({ blob }) => blob.digest),
    ...(answerSchema === null ? [] : [answerSchema.digest]),
    ...(tools === undefined ? [] : [tools]),
  ];
}
