import { NodeHtmlMarkdown } from 'node-html-markdown';
import type { Converted } from './converted.ts';
import { parsable } from './read-text.ts';

/** Never matches: escapes would make quotes differ from the document. */
const NOTHING = [/(?!)/g, ''] as const;

const MARKDOWN = { globalEscape: NOTHING, lineStartEscape: NOTHING, keepDataImages: false };

/** A page as Markdown: its headings, lists, tables and links, without scripts and styles. */
export function readHtml(bytes: Uint8Array): Converted {
  const head = Buffer.from(bytes.subarray(0, 4096)).toString('latin1');
  const declared = /<meta[^>]+charset\s*=\s*["']?([\w-]+)/i.exec(head)?.[1];
  const { text, encoding, notes } = parsable(bytes, 'an HTML page', declared);
  const title = /<title[^>]*>([^<]{1,500})/i.exec(text)?.[1]?.trim();
  return {
    leaves: [
      {
        path: [],
        format: 'text',
        bytes: Buffer.from(htmlToText(text)),
        metadata: { format: 'html', encoding, ...(title === undefined ? {} : { title }) },
      },
    ],
    notes,
  };
}

/** HTML as Markdown, ended by a line feed. */
export function htmlToText(html: string): string {
  return `${NodeHtmlMarkdown.translate(html, MARKDOWN).toWellFormed().trim()}\n`;
}
