export { cached } from './cached.ts';
export { digestOf } from './digest.ts';
export { openDirectoryStore } from './directory-store.ts';
export {
  BlobCorrupted,
  BlobMissing,
  BlobUnexpected,
  InvalidInput,
  RecordCorrupted,
  StoreLocationInvalid,
  StoreUnavailable,
} from './errors.ts';
export { type InputValue, JsonText, uploadInputs } from './inputs.ts';
export { canonicalJson } from './canonical-json.ts';
export { getJson, putJson } from './json.ts';
export { memoryStore } from './memory-store.ts';
export { openStore } from './open-store.ts';
export type { BlobStore, RecordStore, Store } from './store.ts';
export { countChars, decodeUtf8, getText, putText, textRefOf } from './text.ts';
export { readSealedPieces, sealHistory } from './trail.ts';
export { type HistoryEvent, toTrailEvent } from './trail-event.ts';
