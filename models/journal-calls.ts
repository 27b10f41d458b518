import { type Digest, type JournalCall, JournalLink } from '../protocol/index.ts';
import { getJson, type Store } from '../store/index.ts';

interface ParsedLink {
  readonly previous: Digest | null;
  /** Calls of a round link by number; null for a delivery. */
  readonly calls: ReadonlyMap<number, JournalCall> | null;
}

/** Links kept a store: a wide round is one link that thousands of calls look into. */
const LINKS_KEPT = 64;

const parsed = new WeakMap<Store, Map<Digest, Promise<ParsedLink>>>();

/** The call of that number in the journal that ends with `newest`. Throws an Error that names both when it is not there: a fault of the engine, never of a model. */
export async function findCall(store: Store, newest: Digest, call: number): Promise<JournalCall> {
  for (let at: Digest | null = newest; at !== null;) {
    const link: ParsedLink = await readLink(store, at);
    const found = link.calls?.get(call);
    if (found !== undefined) return found;
    at = link.previous;
  }
  throw new Error(`the journal ${newest} has no call ${call}`);
}

function readLink(store: Store, digest: Digest): Promise<ParsedLink> {
  let links = parsed.get(store);
  if (links === undefined) parsed.set(store, (links = new Map()));
  // The promise is kept, not the link: calls that start together read and parse it once.
  const link = links.get(digest) ?? parseLink(store, digest);
  links.delete(digest);
  links.set(digest, link);
  link.catch(() => links.delete(digest));
  for (const oldest of links.keys()) {
    if (links.size <= LINKS_KEPT) break;
    links.delete(oldest);
  }
  return link;
}

async function parseLink(store: Store, digest: Digest): Promise<ParsedLink> {
  const link = await getJson(store, digest, JournalLink);
  return {
    previous: link.previous,
    calls: link.kind === 'round' ? new Map(link.calls.map((call) => [call.number, call])) : null,
  };
}
