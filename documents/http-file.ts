import { basename } from 'node:path';
import { InvalidDocument, SourceUnavailable } from './errors.ts';
import type { Item } from './item.ts';
import type { SourceAccess } from './source-access.ts';

/** What a page or file of the web may have, and the time for it; redirects that are followed within the allowed hosts. */
const MAX_BYTES = 512 * 2 ** 20;
const LIMIT_MS = 5 * 60_000;
const MAX_REDIRECTS = 5;

/** Ends of names for types that servers tell and addresses do not. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'text/html': '.html',
  'application/xhtml+xml': '.html',
  'text/csv': '.csv',
  'text/tab-separated-values': '.tsv',
  'application/json': '.json',
  'application/x-ndjson': '.jsonl',
  'application/jsonl': '.jsonl',
  'message/rfc822': '.eml',
};

export interface HttpLimits {
  maxBytes?: number;
  limitMs?: number;
}

/** One file of the web, fetched from allowed hosts only. Throws InvalidDocument, and SourceUnavailable for what may work later. */
export async function httpFile(
  location: string,
  path: string[],
  access: SourceAccess,
  signal?: AbortSignal,
  limits: HttpLimits = {},
): Promise<Item> {
  const { maxBytes = MAX_BYTES, limitMs = LIMIT_MS } = limits;
  if (access.httpHosts.length === 0) {
    throw new InvalidDocument(
      `${location}: this worker fetches nothing from the web; set RLM_HTTP_HOSTS to the hosts that runs may read`,
    );
  }
  const timeout = AbortSignal.timeout(limitMs);
  const both = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  try {
    const response = await follow(location, access, both);
    const type = (response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
    const bytes = await bodyOf(response, location, maxBytes);
    return {
      path,
      name: nameOf(location, type ?? ''),
      batch: false,
      digest: null,
      load: () => Promise.resolve(bytes),
    };
  } catch (error) {
    if (error instanceof InvalidDocument || error instanceof SourceUnavailable) throw error;
    if (signal?.aborted === true) throw signal.reason;
    if (timeout.aborted) {
      throw new InvalidDocument(`${location} took longer than ${Math.ceil(limitMs / 1000)} s`);
    }
    throw new SourceUnavailable(`${location} cannot be reached (${reasonOf(error)})`);
  }
}

async function follow(
  location: string,
  access: SourceAccess,
  signal: AbortSignal,
): Promise<Response> {
  let url = allowed(location, location, access);
  for (let i = 0; i <= MAX_REDIRECTS; i++) {
    const response = await fetch(url, { redirect: 'manual', signal });
    const { status } = response;
    if (status >= 300 && status < 400 && response.headers.has('location')) {
      await response.body?.cancel();
      url = allowed(new URL(response.headers.get('location') ?? '', url).href, location, access);
      continue;
    }
    if (response.ok) return response;
    await response.body?.cancel();
    if (status >= 500 || status === 429 || status === 408) {
      throw new SourceUnavailable(`${location} answered with status ${status}`);
    }
    throw new InvalidDocument(`${location} answered with status ${status}`);
  }
  throw new InvalidDocument(`${location} redirects more than ${MAX_REDIRECTS} times`);
}

/** An address on an allowed host. What redirects elsewhere is refused by both names. */
function allowed(target: string, location: string, { httpHosts }: SourceAccess): URL {
  const url = URL.parse(target);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new InvalidDocument(`${location} is no address of the web`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidDocument(
      `${url.protocol}//…@${url.host}: an address must not hold a password, it is kept with the run`,
    );
  }
  const host = url.host.toLowerCase();
  const isAllowed = httpHosts.some((entry) =>
    entry.startsWith('*.') ? host.endsWith(entry.slice(1)) : host === entry,
  );
  if (isAllowed) return url;
  const how = target === location ? 'is' : `redirects to ${url.host}, which is`;
  throw new InvalidDocument(`${location} ${how} not a host that runs may read (RLM_HTTP_HOSTS)`);
}

/** Counted as it comes: what is packed may grow, and a length that a server tells is only told. */
async function bodyOf(
  response: Response,
  location: string,
  maxBytes: number,
): Promise<Buffer<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > maxBytes) {
      throw new InvalidDocument(
        `${location} has more than ${Math.floor(maxBytes / 2 ** 20)} MiB: fetch it yourself and give it as a file`,
      );
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function nameOf(location: string, type: string): string {
  const { pathname, hostname } = new URL(location);
  let name = basename(pathname);
  try {
    name = decodeURIComponent(name);
  } catch {
    // As it stands.
  }
  if (name === '') name = hostname;
  const told = EXTENSIONS[type];
  return told === undefined || /\.[a-z0-9]{2,5}$/i.test(basename(pathname)) ? name : name + told;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error ? cause.message : error.message;
}
