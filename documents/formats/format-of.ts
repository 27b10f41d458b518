import { zipNames } from '../archives/zip-members.ts';
import { isTar } from '../archives/tar-members.ts';
import { Unreadable } from '../errors.ts';

/** How a document is read. */
export type Format =
  | 'text'
  | 'html'
  | 'pdf'
  | 'docx'
  | 'csv'
  | 'tsv'
  | 'json'
  | 'jsonl'
  | 'xlsx'
  | 'eml'
  | 'zip'
  | 'tar'
  | 'gzip'
  | 'zstd';

/** Formats that are known by their first bytes; what cannot be read says what it is and what to do. */
const MAGIC: readonly (readonly [string, Format | { is: string }])[] = [
  ['%PDF-', 'pdf'],
  ['PK\x03\x04', 'zip'],
  ['PK\x05\x06', 'zip'],
  ['\x1f\x8b', 'gzip'],
  ['\x28\xb5\x2f\xfd', 'zstd'],
  ['\xd0\xcf\x11\xe0', { is: 'an old Office document: save it as .docx or .xlsx' }],
  ['{\\rtf', { is: 'an RTF document: save it as .docx' }],
  ['BZh', { is: 'a bzip2 archive: unpack it' }],
  ['\xfd7zXZ', { is: 'an xz archive: unpack it' }],
  ['7z\xbc\xaf', { is: 'a 7-Zip archive: unpack it' }],
  ['Rar!', { is: 'a RAR archive: unpack it' }],
  ['\x89PNG', { is: 'a PNG image: it holds no text' }],
  ['\xff\xd8\xff', { is: 'a JPEG image: it holds no text' }],
  ['GIF8', { is: 'a GIF image: it holds no text' }],
  ['II*\0', { is: 'a TIFF image: it holds no text' }],
  ['\x7fELF', { is: 'a program' }],
  ['SQLite format 3\0', { is: 'a SQLite database: export its tables as CSV' }],
  ['PAR1', { is: 'a Parquet file: export it as CSV' }],
];

/** Formats of text by the end of the file's name; everything else that decodes is text. */
const BY_EXTENSION: Readonly<Record<string, Format>> = {
  html: 'html',
  htm: 'html',
  xhtml: 'html',
  csv: 'csv',
  tsv: 'tsv',
  tab: 'tsv',
  json: 'json',
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  eml: 'eml',
};

/** Names of files that are not what they are called. */
const BINARY_EXTENSIONS: Readonly<Record<string, string>> = {
  pdf: 'a PDF',
  docx: 'a Word document',
  xlsx: 'an Excel workbook',
  zip: 'a ZIP archive',
};

/** What some bytes are to be read as: by their content first, then by the end of their name. Throws Unreadable for what no reader is for. */
export async function formatOf(name: string, bytes: Uint8Array): Promise<Format> {
  const head = Buffer.from(bytes.subarray(0, 16)).toString('latin1');
  const extension = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? '';
  const known = MAGIC.find(([start]) => head.startsWith(start))?.[1];
  if (typeof known === 'object') throw new Unreadable(`is ${known.is}`);
  if (known === 'zip') return await zipFormat(bytes);
  if (known !== undefined) return known;
  if (isTar(bytes)) return 'tar';
  const called = BINARY_EXTENSIONS[extension];
  if (called !== undefined && bytes.length > 0) {
    // Some programs write a line before it.
    if (extension === 'pdf' && Buffer.from(bytes.subarray(0, 1024)).includes('%PDF-')) return 'pdf';
    throw new Unreadable(`is called ${called} and is none: it is damaged, or has another format`);
  }
  return BY_EXTENSION[extension] ?? 'text';
}

async function zipFormat(bytes: Uint8Array): Promise<Format> {
  const names = new Set(await zipNames(bytes));
  if (names.has('word/document.xml')) return 'docx';
  if (names.has('xl/workbook.xml')) return 'xlsx';
  if (names.has('ppt/presentation.xml')) {
    throw new Unreadable('is a PowerPoint presentation: save it as PDF');
  }
  if (names.has('mimetype') && names.has('content.xml')) {
    throw new Unreadable('is an OpenDocument file: save it as .docx, .xlsx or PDF');
  }
  if (names.has('META-INF/container.xml')) throw new Unreadable('is an EPUB book: convert it');
  return 'zip';
}
