import { Unreadable } from '../errors.ts';
import type { Converted } from './converted.ts';
import { type Format, formatOf } from './format-of.ts';
import type { OnPage } from './read-pdf.ts';
import { readText } from './read-text.ts';

/** Reads one document that is no archive. The libraries of a format are loaded when the first document of it comes. Throws Unreadable. */
export async function readDocument(
  name: string,
  bytes: Uint8Array,
  onPage: OnPage = () => {},
  nested = false,
): Promise<Converted> {
  const format: Format = await formatOf(name, bytes);
  switch (format) {
    case 'text':
      return readText(bytes);
    case 'html':
      return (await import('./read-html.ts')).readHtml(bytes);
    case 'pdf':
      return await (await import('./read-pdf.ts')).readPdf(bytes, onPage);
    case 'docx':
      return await (await import('./read-docx.ts')).readDocx(bytes);
    case 'xlsx':
      return await (await import('./read-xlsx.ts')).readXlsx(bytes);
    case 'csv':
    case 'tsv':
      return (await import('./read-table.ts')).readTable(bytes, format);
    case 'jsonl':
      return (await import('./read-table.ts')).readJsonLines(bytes);
    case 'json':
      return (await import('./read-json.ts')).readJson(bytes);
    case 'eml': {
      if (nested) throw new Unreadable('is a message in a message: it is not read');
      const { readEml } = await import('./read-eml.ts');
      return await readEml(bytes, (part, content) => readDocument(part, content, onPage, true));
    }
    default:
      throw new Unreadable('is an archive within another document: unpack it');
  }
}
