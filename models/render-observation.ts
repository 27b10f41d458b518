import type { CellObservation, Observation, TextRef } from '../protocol/index.ts';
import { fenceFor, grouped, headAndTail } from './excerpt.ts';

export type ReadText = (ref: TextRef) => Promise<string>;

/** Characters shown of each kind of output: head and tail. */
const SHOWN = {
  stdout: [6_000, 4_000],
  value: [6_000, 4_000],
  stderr: [1_500, 1_500],
  traceback: [1_000, 3_000],
  draft: [2_000, 1_000],
} as const;

const CHANGES_SHOWN = 30;
/** Cells of one reply that are shown at full length; of more, each gets its share. */
const CELLS_SHOWN_WHOLE = 3;

type Outcome = CellObservation['outcome'];
type Finished = Extract<Outcome, { kind: 'finished' }>;

/**
 * The user message that shows what happened since the last reply: the status line first, then each cell
 * with its output, errors and changed variables, then the draft and the engine's notes. `readText` is
 * called for texts that do not travel whole. Equal observations give equal messages.
 */
export async function renderObservation(
  observation: Observation,
  readText: ReadText,
): Promise<string> {
  const parts = [observation.statusLine];
  // A reply of many cells is shown in about the room of a few: all of it together must leave room for more turns.
  const scale = Math.min(1, CELLS_SHOWN_WHOLE / observation.cells.length);
  for (const cell of observation.cells) parts.push(await renderCell(cell, scale, readText));
  if (observation.draft !== null) {
    const text = await readText(observation.draft);
    const title = `answer["content"] as it stands, ${grouped(observation.draft.chars)} characters`;
    const [head, tail] = SHOWN.draft;
    parts.push(block(title, headAndTail(text, head, tail, 'answer["content"] is the whole')));
  }
  parts.push(...observation.notes);
  return parts.join('\n\n');
}

async function renderCell(
  { cell, outcome }: CellObservation,
  scale: number,
  readText: ReadText,
): Promise<string> {
  const parts: string[] = [];
  const show = async (
    title: string,
    ref: TextRef | null,
    shown: readonly [number, number],
    key: string,
  ): Promise<void> => {
    if (ref === null || ref.chars === 0) return;
    const text = await readText(ref);
    const [head, tail] = [Math.ceil(shown[0] * scale), Math.ceil(shown[1] * scale)];
    const size = ref.chars > head + tail ? `${title} (${grouped(ref.chars)} characters)` : title;
    parts.push(
      block(size, headAndTail(text.replace(/\n$/, ''), head, tail, `out["${key}"] is the whole`)),
    );
  };
  if (outcome.kind === 'rolledBack') {
    parts.push(`Cell ${cell} (${outcome.reason}): ${outcome.message}`);
    await show('Output before that', outcome.stdout, SHOWN.stdout, cell);
    await show('stderr', outcome.stderr, SHOWN.stderr, `${cell} stderr`);
    return parts.join('\n');
  }
  parts.push(headline(cell, outcome));
  await show('Output', outcome.stdout, SHOWN.stdout, cell);
  await show('stderr', outcome.stderr, SHOWN.stderr, `${cell} stderr`);
  await show('Value of the last expression', outcome.value, SHOWN.value, `${cell} value`);
  if (outcome.error !== null) {
    const { type, message, traceback } = outcome.error;
    await show(
      `Raised ${type}: ${oneLine(message)}. What was assigned before it stays`,
      traceback,
      SHOWN.traceback,
      `${cell} error`,
    );
  }
  parts.push(...renderChanges(outcome));
  return parts.join('\n');
}

function headline(cell: string, { error, calls, stdout, stderr, value }: Finished): string {
  const silent = stdout.chars === 0 && stderr.chars === 0 && value === null && error === null;
  const words = [
    error === null ? `Cell ${cell} finished` : `Cell ${cell} raised an exception`,
    ...(calls === 0 ? [] : [`${grouped(calls)} ${calls === 1 ? 'call' : 'calls'}`]),
    ...(silent ? ['no output'] : []),
  ];
  return `${words.join(', ')}.`;
}

function renderChanges({ changes, changesOmitted }: Finished): string[] {
  if (changes.length === 0) return [];
  const lines = changes.slice(0, CHANGES_SHOWN).map(({ name, change, type, size, preview }) => {
    if (change === 'deleted') return `- ${name} deleted`;
    const length = size === null ? '' : `[${grouped(size)}]`;
    return `- ${name}${change === 'new' ? ' (new)' : ''}: ${type}${length} ${oneLine(preview)}`;
  });
  const more = changesOmitted + Math.max(0, changes.length - CHANGES_SHOWN);
  if (more > 0) lines.push(`- and ${grouped(more)} more`);
  return [`Variables:\n${lines.join('\n')}`];
}

function block(title: string, text: string): string {
  // Output is the inputs' words: it must not be able to close its fence and speak as the engine.
  const fence = fenceFor(text);
  return `${title}:\n${fence}text\n${text}\n${fence}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
