import { getDocumentProxy } from 'unpdf';
import { Unreadable } from '../errors.ts';
import type { Converted } from './converted.ts';
import { charsOf } from './read-text.ts';

export type OnPage = (page: number, pages: number) => void;

/** A page of a scan may hold a stamp or a page number. */
const SCAN_CHARS_A_PAGE = 16;

/** The text of a PDF page by page, pages ended by form feeds. Throws Unreadable for one that is damaged, encrypted or holds no text. */
export async function readPdf(bytes: Uint8Array, onPage: OnPage): Promise<Converted> {
  // It takes the bytes away.
  const document = await getDocumentProxy(bytes.slice(), {
    verbosity: 0,
  }).catch((error: unknown) => {
    throw asUnreadable(error);
  });
  try {
    const count = document.numPages;
    const parts: string[] = [];
    const pages: [number, number][] = [];
    const empty: number[] = [];
    const broken: number[] = [];
    let chars = 0;
    for (let number = 1; number <= count; number++) {
      onPage(number, count);
      let text = '';
      try {
        const page = await document.getPage(number);
        text = textOf((await page.getTextContent()).items);
        page.cleanup();
      } catch {
        broken.push(number);
      }
      if (text.trim() === '') empty.push(number);
      const part = number === count ? `${text}\n` : `${text}\n\f`;
      const size = charsOf(part);
      pages.push([chars, chars + size]);
      chars += size;
      parts.push(part);
    }
    if (broken.length === count) {
      throw new Unreadable('is a damaged PDF: none of its pages can be read');
    }
    const text = parts.join('');
    if (empty.length === count || text.trim().length < SCAN_CHARS_A_PAGE) {
      throw new Unreadable(
        `holds no text: its ${count === 1 ? 'page is an image' : `${count} pages are images`} (a scan); run text recognition (OCR) over it`,
      );
    }
    const { title } = await titleOf(document);
    const metadata = {
      format: 'pdf',
      pages: count,
      ...(title === undefined ? {} : { title }),
      ...(empty.length === 0 ? {} : { pages_without_text: empty.slice(0, 1000) }),
    };
    return {
      leaves: [{ path: [], format: 'text', bytes: Buffer.from(text), pages, metadata }],
      notes: [
        ...(broken.length === 0 ? [] : [`has damaged pages that are left out: ${ranges(broken)}`]),
        ...pagesWithoutText(empty, broken),
      ],
    };
  } finally {
    await document.loadingTask.destroy();
  }
}

function pagesWithoutText(empty: number[], broken: number[]): string[] {
  const scanned = empty.filter((page) => !broken.includes(page));
  if (scanned.length === 0) return [];
  return [
    `holds no text on ${scanned.length === 1 ? 'page' : 'pages'} ${ranges(scanned)} (images)`,
  ];
}

type Items = readonly (object | { str: string; hasEOL: boolean })[];

function textOf(items: Items): string {
  let text = '';
  for (const item of items) {
    if (!('str' in item)) continue;
    text += item.hasEOL ? `${item.str}\n` : item.str;
  }
  // oxlint-disable-next-line no-control-regex -- fonts without a map to Unicode leave them
  return text.toWellFormed().replaceAll(/[\0-\x08\x0b-\x1f]/g, '');
}

async function titleOf(document: {
  getMetadata(): Promise<{ info: object }>;
}): Promise<{ title?: string }> {
  const { info } = await document.getMetadata().catch(() => ({ info: {} }));
  const title: unknown = 'Title' in info ? info.Title : undefined;
  return typeof title === 'string' && title.trim() !== '' && title !== 'untitled'
    ? { title: title.toWellFormed().slice(0, 500) }
    : {};
}

/** `3-9, 12`. */
function ranges(pages: readonly number[]): string {
  const found: string[] = [];
  for (let i = 0; i < pages.length;) {
    const first = pages[i] ?? 0;
    let last = first;
    for (i += 1; pages[i] === last + 1; i++) last += 1;
    found.push(last > first ? `${first}-${last}` : String(first));
  }
  const shown = found.slice(0, 20).join(', ');
  return found.length > 20 ? `${shown}, …` : shown;
}

function asUnreadable(error: unknown): Unreadable {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === 'PasswordException') {
    return new Unreadable('is encrypted: save it without a password');
  }
  return new Unreadable(`is a damaged PDF (${message.replace(/\.$/, '')})`);
}
