import { z } from 'zod';
import type { ModelCard, OpaqueReasoning } from '../protocol/index.ts';
import { getJson, putJson, type Store } from '../store/index.ts';

/**
 * Fields of a reply that only their maker can read, and that its API wants back with the conversation: thinking blocks
 * with signatures, encrypted thoughts, signatures of calls. Named so by gateways and providers of today.
 */
const OPAQUE_FIELDS = ['reasoning_details', 'thinking_blocks', 'extra_content'];

/** What a reply held of them: of the message, and of its calls by id. */
const OpaqueItems = z.object({
  message: z.record(z.string(), z.unknown()),
  calls: z.record(z.string(), z.record(z.string(), z.unknown())),
});
export type OpaqueItems = z.infer<typeof OpaqueItems>;

/** Who may be sent it back: nobody else could read it, and some refuse what they did not write. */
export function makerOf({ name, model }: Pick<ModelCard, 'name' | 'model'>): string {
  return `${name} (${model})`;
}

/** Keeps the items of a reply as a blob. */
export async function keepOpaque(
  store: Store,
  maker: string,
  items: OpaqueItems | undefined,
): Promise<OpaqueReasoning | undefined> {
  if (items === undefined) return undefined;
  const { digest, sizeBytes } = await putJson(store, items);
  return { maker, blob: digest, bytes: sizeBytes };
}

/** The items of a message for the model that is asked now: as they were if it wrote them, else none. */
export async function itemsFor(
  store: Store,
  card: ModelCard,
  opaque: OpaqueReasoning | undefined,
): Promise<OpaqueItems | undefined> {
  if (opaque === undefined || opaque.maker !== makerOf(card)) return undefined;
  return await getJson(store, opaque.blob, OpaqueItems);
}

/** Puts the items of a streamed reply together from its pieces. */
export class OpaqueCollector {
  readonly #fields: readonly string[];
  /** Plain thoughts are not sent back, unless the registry names their field. */
  readonly #mustBeOpaque: boolean;
  readonly #message: Record<string, unknown> = {};
  readonly #calls = new Map<number, Record<string, unknown>>();

  /** `fields`: what the registry says that the API wants back; absent: what is known to be. */
  constructor(fields?: readonly string[]) {
    this.#fields = fields ?? OPAQUE_FIELDS;
    this.#mustBeOpaque = fields === undefined;
  }

  addMessage(delta: object | null | undefined): void {
    this.#add(this.#message, delta);
  }

  addCall(index: number, delta: object): void {
    const call = this.#calls.get(index) ?? {};
    this.#add(call, delta);
    if (Object.keys(call).length > 0) this.#calls.set(index, call);
  }

  /** Undefined when there were none. `ids` are those of the calls by index. */
  items(ids: ReadonlyMap<number, string>): OpaqueItems | undefined {
    const calls: OpaqueItems['calls'] = {};
    const message = Object.fromEntries(
      Object.entries(this.#message).filter(([, value]) => !this.#mustBeOpaque || isOpaque(value)),
    );
    for (const [index, fields] of this.#calls) {
      const id = ids.get(index);
      if (id !== undefined) calls[id] = fields;
    }
    if (Object.keys(message).length + Object.keys(calls).length === 0) return undefined;
    return { message, calls };
  }

  #add(into: Record<string, unknown>, delta: object | null | undefined): void {
    for (const field of this.#fields) {
      const piece: unknown = Reflect.get(delta ?? {}, field);
      if (piece !== undefined && piece !== null) into[field] = joined(into[field], piece);
    }
  }
}

const SEALED = ['signature', 'thought_signature', 'data', 'encrypted_content'];

/** Whether something in it can only be read by its maker. */
function isOpaque(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isOpaque);
  if (!isRecord(value)) return false;
  return Object.entries(value).some(
    ([name, inner]) => (SEALED.includes(name) && Boolean(inner)) || isOpaque(inner),
  );
}

/** Names of what is told once of an item, not in pieces. */
const WHOLE = new Set(['type', 'id', 'index', 'format']);

/** Two pieces of one value: texts follow each other, items of a list go on where they have the same number and kind. */
function joined(before: unknown, piece: unknown): unknown {
  if (before === undefined || before === null) return piece;
  if (typeof before === 'string' && typeof piece === 'string') return before + piece;
  if (Array.isArray(before) && Array.isArray(piece)) {
    return piece.reduce((list: unknown[], item: unknown) => withItem(list, item), [...before]);
  }
  if (isRecord(before) && isRecord(piece)) {
    const merged: Record<string, unknown> = { ...before };
    for (const [name, value] of Object.entries(piece)) {
      merged[name] = WHOLE.has(name) ? (value ?? merged[name]) : joined(merged[name], value);
    }
    return merged;
  }
  return piece ?? before;
}

function withItem(list: unknown[], item: unknown): unknown[] {
  const last = list.at(-1);
  // A block without numbers is closed by its signature.
  const goesOn =
    isRecord(last) &&
    isRecord(item) &&
    last['type'] === item['type'] &&
    last['index'] === item['index'] &&
    (item['index'] !== undefined || !last['signature']);
  return goesOn ? [...list.slice(0, -1), joined(last, item)] : [...list, item];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
