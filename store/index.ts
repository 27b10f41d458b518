export { cached } from './cached.ts';
export { collect, type Collected, type CollectOptions, GRACE_MS } from './collect.ts';
export { collectGarbage } from './collect-garbage.ts';
export { digestOf, digestOfLarge } from './digest.ts';
export { openDirectoryStore } from './directory-store.ts';
export {
  BlobCorrupted,
  BlobMissing,
  BlobUnexpected,
  InvalidInput,
  RecordCorrupted,
  RootCorrupted,
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
export {
  isWithin,
  listLocalFiles,
  type LocalFile,
  type LocalListing,
  MAX_FILE_BYTES,
  readLocalFile,
} from './local-files.ts';
export { forget, type OwnerStatus, retire, type Retention, type Retired } from './forget.ts';
export { type InputValue, JsonText, uploadInputs } from './inputs.ts';
export { canonicalJson } from './canonical-json.ts';
export { getJson, putJson } from './json.ts';
export { keepSpec } from './keep-spec.ts';
export { keeping, keptBy, makeRoot, refuseForgotten } from './keeping.ts';
export { memoryStore } from './memory-store.ts';
export { checkWheels, readWheel, uploadPackages, type Wheel } from './packages.ts';
export { openStore } from './open-store.ts';
export { type OwnerServer, ownerStatus } from './owner-status.ts';
export type { Root, RootStore } from './roots.ts';
export type { BlobStore, RecordStore, Store, StoredBlob, Upkeep } from './store.ts';
export { countChars, decodeUtf8, getText, putText, textRefOf } from './text.ts';
export { type UploadedInputs, uploadRequestInputs } from './upload-request.ts';
export { readSealedPieces, sealHistory } from './trail.ts';
export { type HistoryEvent, toTrailEvent } from './trail-event.ts';
