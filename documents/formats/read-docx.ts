import mammoth from 'mammoth';
import { checkZip } from '../archives/zip-members.ts';
import { Unreadable } from '../errors.ts';
import type { Converted } from './converted.ts';
import { htmlToText } from './read-html.ts';

/** What mammoth has no rule for by itself. */
const STYLES = ["p[style-name='Title'] => h1:fresh", "p[style-name='Subtitle'] => h2:fresh"];

/** A Word document as Markdown: headings, lists and tables stay, layout and pictures go. */
export async function readDocx(bytes: Uint8Array): Promise<Converted> {
  await checkZip(bytes);
  let html: string;
  try {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const converted = await mammoth.convertToHtml(
      { buffer },
      {
        styleMap: STYLES,
        convertImage: mammoth.images.imgElement(() => Promise.resolve({ src: '' })),
      },
    );
    html = converted.value;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Unreadable(`is a damaged Word document (${reason})`);
  }
  const text = htmlToText(html);
  if (text.trim() === '') throw new Unreadable('is a Word document without text');
  return {
    leaves: [{ path: [], format: 'text', bytes: Buffer.from(text), metadata: { format: 'docx' } }],
    notes: [],
  };
}
