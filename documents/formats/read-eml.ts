import PostalMime, { type Address, type Attachment } from 'postal-mime';
import { Unreadable } from '../errors.ts';
import type { Converted } from './converted.ts';
import { htmlToText } from './read-html.ts';

/** Reads an attachment, as any other document. */
export type ReadAttachment = (name: string, bytes: Uint8Array) => Promise<Converted>;

/** A message as text: its headers, its body, and behind lines that name them its attachments, as far as they can be read. */
export async function readEml(bytes: Uint8Array, read: ReadAttachment): Promise<Converted> {
  const mail = await PostalMime.parse(bytes.slice()).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Unreadable(`is a damaged message (${reason})`);
  });
  if (mail.headers.length === 0) throw new Unreadable('is no message: it has no headers');
  const headers: [string, string | undefined][] = [
    ['From', mail.from && listed([mail.from])],
    ['To', mail.to && listed(mail.to)],
    ['Cc', mail.cc && listed(mail.cc)],
    ['Date', mail.date],
    ['Subject', mail.subject],
  ];
  const body = mail.text ?? (mail.html === undefined ? '' : htmlToText(mail.html));
  const parts = [
    headers.flatMap(([name, value]) => (value ? [`${name}: ${value}`] : [])).join('\n'),
    body.trim(),
  ];
  const notes: string[] = [];
  for (const [index, attachment] of mail.attachments.entries()) {
    const name = attachment.filename ?? `attachment ${index + 1}`;
    const title = `=== attachment: ${name} ===`;
    try {
      parts.push(`${title}\n${textOf(await read(name, bytesOf(attachment)))}`);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      parts.push(`${title}\n[not read: it ${error.message}]`);
      notes.push(`has an attachment that is left out: ${name} ${error.message}`);
    }
  }
  const metadata = {
    format: 'eml',
    ...Object.fromEntries(
      headers.flatMap(([name, value]) => (value ? [[name.toLowerCase(), value]] : [])),
    ),
    ...(mail.attachments.length === 0
      ? {}
      : { attachments: mail.attachments.map(({ filename }) => filename ?? '') }),
  };
  const text = `${parts.filter((part) => part !== '').join('\n\n')}\n`.toWellFormed();
  return {
    leaves: [{ path: [], format: 'text', bytes: Buffer.from(text), metadata }],
    notes,
  };
}

function textOf({ leaves }: Converted): string {
  return leaves
    .map(({ path, bytes }) => {
      const text = Buffer.from(bytes).toString('utf8').trim();
      return path.length === 0 ? text : `${path.join('/')}:\n${text}`;
    })
    .join('\n\n');
}

function listed(addresses: readonly Address[]): string {
  return addresses
    .map(({ name, address }) => (address === undefined ? name : `${name} <${address}>`.trim()))
    .join(', ');
}

function bytesOf({ content }: Attachment): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content) : new Uint8Array(content);
}
