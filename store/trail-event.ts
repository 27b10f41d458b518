import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';
import type { TrailEvent } from '../protocol/index.ts';

/** One event of a Temporal history as the client fetches it. */
export type HistoryEvent = NonNullable<History['events']>[number];

type Fields = Readonly<Record<string, unknown>>;

/** Failures nest (activity failure, its cause, …); deeper ones say nothing new. */
const MAX_FAILURE_DEPTH = 4;

/** A history event as the trail keeps it: the same for the same event, whoever converts it. */
export function toTrailEvent(event: HistoryEvent): TrailEvent {
  const { type, attributes } = attributesOf(event);
  const accepted = fields(fields(attributes['acceptedRequest'])['input']);
  const input = decodeAll(attributes['input'] ?? accepted['args']);
  const result = decodeAll(attributes['result'] ?? fields(attributes['outcome'])['success']);
  const summary = decodeOne(event.userMetadata?.summary);
  return {
    eventId: toNumber(event.eventId) ?? 0,
    timeMs: toMs(event.eventTime),
    type,
    name: nameOf(attributes, accepted),
    summary: typeof summary === 'string' ? summary : null,
    scheduledEventId: scheduledBy(attributes),
    attempt: toNumber(attributes['attempt']),
    ...aboutWorkflow(attributes),
    ...(input === undefined ? {} : { input }),
    ...(result === undefined ? {} : { result }),
    failure: failureOf(attributes),
  };
}

/** An event's number in its history, from 1. */
export function eventIdOf(event: HistoryEvent): number {
  return toNumber(event.eventId) ?? 0;
}

/** The name of the attributes' field says the type, so that no table of event types is needed. */
function attributesOf(event: HistoryEvent): { type: string; attributes: Fields } {
  for (const [key, value] of Object.entries(event)) {
    if (key.endsWith('EventAttributes') && typeof value === 'object' && value !== null) {
      const name = key.slice(0, -'EventAttributes'.length);
      return { type: `${name.charAt(0).toUpperCase()}${name.slice(1)}`, attributes: fields(value) };
    }
  }
  return { type: `Unknown${String(event.eventType)}`, attributes: {} };
}

function nameOf(attributes: Fields, accepted: Fields): string | null {
  const names = [
    fields(attributes['activityType'])['name'],
    fields(attributes['workflowType'])['name'],
    attributes['signalName'],
    attributes['markerName'],
    accepted['name'],
  ];
  return names.find((name) => typeof name === 'string' && name !== '')?.toString() ?? null;
}

function aboutWorkflow(attributes: Fields): { workflowId?: string } {
  const id = fields(attributes['workflowExecution'])['workflowId'] ?? attributes['workflowId'];
  return typeof id === 'string' && id !== '' ? { workflowId: id } : {};
}

function scheduledBy(attributes: Fields): number | null {
  const first =
    toNumber(attributes['scheduledEventId']) ?? toNumber(attributes['initiatedEventId']);
  // A fired or cancelled timer names the event that started it so; other events use that field otherwise.
  return first ?? ('timerId' in attributes ? toNumber(attributes['startedEventId']) : null);
}

function failureOf(attributes: Fields): string | null {
  const sentences: string[] = [];
  let failure = fields(attributes['failure'] ?? attributes['lastFailure']);
  for (let depth = 0; depth < MAX_FAILURE_DEPTH; depth += 1) {
    const message = failure['message'];
    if (typeof message !== 'string') break;
    const type = fields(failure['applicationFailureInfo'])['type'];
    sentences.push(typeof type === 'string' && type !== '' ? `${type}: ${message}` : message);
    failure = fields(failure['cause']);
  }
  return sentences.length === 0 ? null : sentences.join(' <- ');
}

/** One value for one payload, a list for several; undefined for none. */
function decodeAll(payloads: unknown): unknown {
  const list = fields(payloads)['payloads'];
  if (!Array.isArray(list) || list.length === 0) return undefined;
  const values = list.map((payload: Payload) => decodeOne(payload));
  return values.length === 1 ? values[0] : values.map((value) => value ?? null);
}

/** The value of a payload; what is no JSON, or is encrypted, as its encoding and size. */
function decodeOne(payload: Payload | null | undefined): unknown {
  if (payload === null || payload === undefined) return undefined;
  try {
    const value = defaultPayloadConverter.fromPayload<unknown>(payload);
    if (!(value instanceof Uint8Array)) return value;
  } catch {
    // Told below: a trail must be readable where the key of an encrypted payload is not.
  }
  const encoding = Buffer.from(payload.metadata?.['encoding'] ?? []).toString('utf8');
  return { encoding, sizeBytes: payload.data?.length ?? 0 };
}

function toMs(time: HistoryEvent['eventTime']): number {
  if (time === null || time === undefined) return 0;
  return (toNumber(time.seconds) ?? 0) * 1000 + Math.trunc((time.nanos ?? 0) / 1_000_000);
}

/** A protobuf integer: a number, or a Long object. */
function toNumber(value: unknown): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'object' || value === null || !('toNumber' in value)) return null;
  if (typeof value.toNumber !== 'function') return null;
  const number: unknown = value.toNumber();
  return typeof number === 'number' ? number : null;
}

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
