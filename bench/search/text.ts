/** Words of contracts, some of them often. */
const WORDS =
  'the the the the of of of and and to to shall shall party agreement supplier client may not under this any services payment within days notice term section which such by for in on or with as be is termination confidential information liability damages reasonable written consent material breach applicable law obligations rights intellectual property third parties effective date'.split(
    ' ',
  );
const BLOCK_WORDS = 120_000;
const WORDS_A_PARAGRAPH = 90;

/** Where it stands in such a text: the only place that the searches of the bench can find. */
export const MARK = 'Zebra Quagga 471 of the Indemnified';

/** A text of so many megabytes of ASCII in paragraphs, the same each time, with MARK at nine tenths. `every` is put into each paragraph. */
export function benchText(megabytes: number, every = ''): Buffer {
  const block = Buffer.from(paragraphs(every));
  const whole = megabytes * 1_000_000;
  const copies = Math.max(1, Math.floor(whole / block.length));
  const text = Buffer.concat([
    ...Array.from({ length: copies }, () => block),
    Buffer.alloc(Math.max(0, whole - copies * block.length), 'x'),
  ]);
  const line = text.indexOf('\n', Math.floor(text.length * 0.9));
  text.write(`\n${MARK}\n`, line + 2);
  return text;
}

function paragraphs(every: string): string {
  let state = 1;
  const words: string[] = [];
  for (let i = 1; i <= BLOCK_WORDS; i += 1) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    words.push(WORDS[state % WORDS.length] ?? '');
    if (i % WORDS_A_PARAGRAPH === 0) words.push(`${every} No. ${state % 10_000}.\n\n`);
  }
  return words.join(' ');
}
