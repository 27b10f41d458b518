export { cached } from './cached.ts';
export { digestOf, digestOfLarge } from './digest.ts';
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
export {
  FileBytes,
  type InputFiles,
  isInputFiles,
  isRemoteLocation,
  LocalFiles,
  RemoteFiles,
} from './input-files.ts';
export { type InputValue, JsonText, uploadInputs } from './inputs.ts';
export { canonicalJson, getJson, putJson } from './json.ts';
export {
  isWithin,
  listLocalFiles,
  type LocalFile,
  type LocalListing,
  MAX_FILE_BYTES,
  readLocalFile,
} from './local-files.ts';
export { memoryStore } from './memory-store.ts';
export { checkWheels, readWheel, uploadPackages, type Wheel } from './packages.ts';
export { openStore } from './open-store.ts';
export type { BlobStore, RecordStore, Store } from './store.ts';
export { countChars, decodeUtf8, getText, putText, textRefOf } from './text.ts';
export { type UploadedInputs, uploadRequestInputs } from './upload-request.ts';
export { readSealedPieces, sealHistory } from './trail.ts';
export { type HistoryEvent, toTrailEvent } from './trail-event.ts';
