import type { Digest } from './digest.ts';
import type { RunSpec } from './run-spec.ts';

/** Everything in the store that a spec names itself. */
export function blobsOfSpec(spec: RunSpec): Digest[] {
  const { question, inputs, answerSchema, tools, sources, packages = [] } = spec;
  return [
    question.digest,
    ...inputs.map(({ blob }) => blob.digest),
    ...(answerSchema === null ? [] : [answerSchema.digest]),
    ...(tools === undefined ? [] : [tools]),
    ...(sources === undefined ? [] : [sources.list]),
    ...packages.map(({ blob }) => blob.digest),
  ];
}
