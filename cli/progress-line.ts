import type { IngestProgress, Progress } from '../protocol/index.ts';

/** One line that says where a run is: `turn 2/30 · cell 2.1 · 7 of 14 sub-calls · $0.0312 of $1.00 · draft v1, 1,204 chars`. */
export function progressLine(progress: Progress): string {
  const { spend, draft, round } = progress;
  const parts = [
    progress.turn === 0 ? 'starting' : `turn ${progress.turn}/${progress.maxTurns}`,
    ...(progress.turn === 0 || progress.phase === 'ended' ? [] : [activity(progress)]),
    ...(progress.phase === 'calling' && round !== null ? [] : [count(spend.calls, 'sub-call')]),
    `${money(spend.usage.costUsd)}${spend.usage.estimated ? ' (estimated)' : ''} of ${money(progress.maxCostUsd)}`,
    ...(draft === null
      ? []
      : [`draft v${draft.version}, ${draft.content.chars.toLocaleString('en')} chars`]),
  ];
  if (progress.phase === 'ended') parts.unshift('ended');
  return parts.join(' · ');
}

function activity(progress: Progress): string {
  const cell = progress.cell === null ? '' : `cell ${progress.cell}`;
  if (progress.phase === 'paused') return 'paused';
  if ((progress.questions ?? []).length > 0) return `${cell} waits for a person`;
  switch (progress.phase) {
    case 'calling':
      return progress.round === null
        ? `${cell} waits for sub-calls`
        : `${cell} · ${progress.round.answered} of ${count(progress.round.total, 'sub-call')}`;
    case 'computing':
      return `${cell} runs`;
    case 'checking':
      return 'checking the answer';
    case 'starting':
      return 'loading the input';
    default:
      return 'the model thinks';
  }
}

/** `reading the inputs · 3 of 12 documents · 41 MB · reports/x.pdf, page 11 of 96`. */
export function ingestLine({ done, total, bytes, name, page, pages }: IngestProgress): string {
  const at = page === undefined || pages === undefined ? '' : `, page ${page} of ${pages}`;
  return [
    'reading the inputs',
    `${done.toLocaleString('en')} of ${count(total, 'document')}`,
    ...(bytes < 1e6 ? [] : [`${Math.round(bytes / 1e6).toLocaleString('en')} MB`]),
    ...(name === undefined || name === '' ? [] : [`${name}${at}`]),
  ].join(' · ');
}

/** `1 sub-call`, `14 sub-calls`. */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;
}

/** US dollars: cents from one dollar on, else four digits, since single calls cost less than a cent. */
export function money(usd: number): string {
  return `$${usd.toFixed(usd === 0 || usd >= 1 ? 2 : 4)}`;
}

/** `0.4 s`, `12 s`, `3 min 5 s`. */
export function seconds(ms: number): string {
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
  const whole = Math.round(ms / 1000);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
