import { StoreUnavailable } from '../errors.ts';

/** One sentence a code, each saying what to do. */
const SENTENCES: Record<string, (store: string) => string> = {
  NoSuchBucket: (store) => `the bucket of ${store} does not exist: make it or choose another store`,
  AccessDenied: (store) => `no permission to use ${store}: give these credentials access to it`,
  InvalidAccessKeyId: (store) => `${store} does not know the access key: check AWS_ACCESS_KEY_ID`,
  SignatureDoesNotMatch: (store) =>
    `${store} refuses the signature: check AWS_SECRET_ACCESS_KEY and the region`,
  CredentialsProviderError: (store) =>
    `there are no credentials for ${store}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile`,
  ECONNREFUSED: (store) => `no server answers for ${store}: check the endpoint`,
  ENOTFOUND: (store) => `the server of ${store} has no address: check the endpoint`,
  XMinioStorageFull: (store) => `${store} is full: free some space or choose another store`,
  QuotaExceeded: (store) => `the quota of ${store} is used up`,
};

/** An error of S3 or of the way to it as StoreUnavailable; a fault of our own unchanged. */
export function toS3Failure(error: unknown, store: string): unknown {
  if (error instanceof StoreUnavailable || !(error instanceof Error)) return error;
  const code = codeOf(error);
  if (code === '') return error;
  const status = statusOf(error);
  const sentence =
    SENTENCES[code]?.(store) ??
    (status === 403 ? SENTENCES['AccessDenied']?.(store) : undefined) ??
    `${store} cannot be used (${code}${status === undefined ? '' : `, status ${status}`})`;
  return new StoreUnavailable(store, code, sentence, { cause: error });
}

export function isMissing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // A HEAD has no body that could say which: only the status. A missing bucket is told by the next GET.
  return error.name === 'NoSuchKey' || error.name === 'NotFound';
}

/** Whether a conditional PUT found the name taken; `perhaps` when another writer was at it. */
export function isTaken(error: unknown): 'yes' | 'no' | 'perhaps' {
  const status = statusOf(error);
  if (status === 412) return 'yes';
  return status === 409 ? 'perhaps' : 'no';
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined;
  const metadata = error.$metadata;
  if (typeof metadata !== 'object' || metadata === null) return undefined;
  if (!('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

/** The service's own name for an error, else that of the system; '' for an error that is neither's. */
function codeOf(error: Error): string {
  if ('code' in error && typeof error.code === 'string') return error.code;
  if ('$metadata' in error || /ProviderError$|TimeoutError$/.test(error.name)) return error.name;
  return '';
}
