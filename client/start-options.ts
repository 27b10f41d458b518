import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import { caps, clipBytes, forWebUi, type RunStart } from '../protocol/index.ts';

export interface RunStartOptions {
  staticSummary: string;
  staticDetails: string;
  typedSearchAttributes?: SearchAttributePair[];
}

/** How a run introduces itself in the Web UI before its first turn: summary, details, search attributes. */
export function startOptions(start: RunStart): RunStartOptions {
  const { question, inputs, sources, model } = start.spec;
  const text = question.text ?? `${question.head ?? ''}…`;
  const chars = inputs.reduce((sum, entry) => sum + entry.chars, 0);
  const listed = inputs
    .slice(0, 30)
    .map(
      (i) =>
        `- \`input_data${i.path.map((k) => `["${k}"]`).join('')}\`: ${i.format}, ${i.chars.toLocaleString('en')} chars`,
    );
  const count = inputs.length + (sources?.count ?? 0);
  const size =
    sources === undefined
      ? `${chars.toLocaleString('en')} chars`
      : `${sources.sizeBytes.toLocaleString('en')} bytes`;
  if (sources !== undefined) {
    const { count: all, listed: known = [] } = sources;
    listed.push(...known.map((name) => `- \`${name.replaceAll('`', "'")}\``));
    if (all > known.length) listed.push(`- and ${all - known.length} more, ${size} in all`);
  }
  const more = inputs.length > 30 ? [`- and ${inputs.length - 30} more`] : [];
  const details = ['### Question', text, ...source(start), '### Inputs', ...listed, ...more].join(
    '\n',
  );
  return {
    staticSummary: clipBytes(
      `${text.replace(/\s+/g, ' ')} · ${count} ${count === 1 ? 'input' : 'inputs'}, ${size}`,
      caps.SUMMARY_BYTES,
    ),
    staticDetails: clipBytes(forWebUi(details), caps.DETAILS_BYTES),
    ...(start.searchAttributes
      ? {
          typedSearchAttributes: [
            { key: defineSearchAttributeKey('RlmModel', 'KEYWORD'), value: model ?? 'default' },
            { key: defineSearchAttributeKey('RlmStatus', 'KEYWORD'), value: 'running' },
            { key: defineSearchAttributeKey('RlmDepth', 'INT'), value: start.parent?.depth ?? 0 },
            { key: defineSearchAttributeKey('RlmTurns', 'INT'), value: 0 },
            { key: defineSearchAttributeKey('RlmCostUsd', 'DOUBLE'), value: 0 },
          ],
        }
      : {}),
  };
}

function source({ spec: { from } }: RunStart): string[] {
  if (from === undefined) return [];
  const cell = from.cell === undefined ? 'its last cell' : `cell ${from.cell}`;
  return ['### Starts from', `\`${from.workflowId}\`, after ${cell}`];
}
