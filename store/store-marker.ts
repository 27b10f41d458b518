import { z } from 'zod';
import { StoreLocationInvalid } from './errors.ts';

/** Name of the file or object that says what a store is. */
export const MARKER = 'store.json';

/** Written once, by the first program that keeps roots. Blobs from before `rootsSinceMs` are never collected. */
const Marker = z.object({ format: z.literal(1), rootsSinceMs: z.number() });

export function encodeMarker(rootsSinceMs: number): Buffer {
  return Buffer.from(`${JSON.stringify({ format: 1, rootsSinceMs })}\n`);
}

export function parseMarker(bytes: Buffer, store: string): number {
  try {
    return Marker.parse(JSON.parse(bytes.toString('utf8'))).rootsSinceMs;
  } catch {
    throw new StoreLocationInvalid(
      `${store} is no store that this release can use: its ${MARKER} says something else`,
    );
  }
}
