import { basename, matchesGlob } from 'node:path';
import type * as sdkTypes from '@aws-sdk/client-s3';
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { MAX_FILE_BYTES } from '../store/index.ts';
import { InvalidDocument, SourceUnavailable } from './errors.ts';
import type { Found, Item } from './item.ts';
import type { SourceAccess } from './source-access.ts';

type Sdk = Pick<typeof sdkTypes, 'S3Client' | 'GetObjectCommand' | 'ListObjectsV2Command'>;

/** Objects that one location may name. */
const MAX_OBJECTS = 20_000;

/** The objects that `s3://bucket/key` names: one, all below a prefix that ends with `/`, or those that a glob pattern matches. Credentials are the worker's. */
export async function* s3Files(
  location: string,
  path: string[],
  access: SourceAccess,
  signal?: AbortSignal,
): AsyncGenerator<Found> {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/?(.*)$/is.exec(location) ?? [];
  if (bucket === '') throw new InvalidDocument(`${location} names no bucket: s3://bucket/key`);
  if (access.s3Buckets !== null && !access.s3Buckets.includes(bucket)) {
    throw new InvalidDocument(
      `${location}: ${bucket} is not a bucket that runs may read (RLM_S3_BUCKETS)`,
    );
  }
  const sdk = await loadSdk(location);
  const { s3Endpoint } = access;
  const client = new sdk.S3Client(
    s3Endpoint === null ? {} : { endpoint: s3Endpoint, forcePathStyle: true, region: regionOf() },
  );
  try {
    const isPattern = /[*?[\]{}]/.test(key);
    if (key !== '' && !key.endsWith('/') && !isPattern) {
      const at = { bucket, key, location };
      const load = (): ReturnType<Item['load']> => fetchObject(sdk, client, at, signal);
      yield { kind: 'item', item: objectItem(load, at, path, false) };
      return;
    }
    const prefix = isPattern
      ? key.slice(0, key.slice(0, key.search(/[*?[\]{}]/)).lastIndexOf('/') + 1)
      : key;
    let count = 0;
    for await (const found of keysBelow(sdk, client, { bucket, key: prefix, location }, signal)) {
      if (found.endsWith('/') || (isPattern && !matchesGlob(found, key))) continue;
      count += 1;
      if (count > MAX_OBJECTS) {
        throw new InvalidDocument(
          `${location} names more than ${MAX_OBJECTS.toLocaleString('en')} objects: name fewer`,
        );
      }
      const at = { bucket, key: found, location: `s3://${bucket}/${found}` };
      const own = [...path, found.slice(prefix.length)];
      const load = (): ReturnType<Item['load']> => fetchObject(sdk, client, at, signal);
      yield { kind: 'item', item: objectItem(load, at, own, true) };
    }
    if (count === 0) throw new InvalidDocument(`${location} holds no objects`);
  } finally {
    client.destroy();
  }
}

interface Place {
  bucket: string;
  key: string;
  location: string;
}

async function* keysBelow(
  sdk: Sdk,
  client: S3Client,
  { bucket, key, location }: Place,
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  let token: string | undefined;
  do {
    const command = new sdk.ListObjectsV2Command({
      Bucket: bucket,
      Prefix: key,
      ...(token === undefined ? {} : { ContinuationToken: token }),
    });
    const page = await client.send(command, options(signal)).catch((error: unknown) => {
      throw toDocumentError(error, location);
    });
    for (const object of page.Contents ?? []) if (object.Key !== undefined) yield object.Key;
    token = page.NextContinuationToken;
  } while (token !== undefined);
}

/** Fetched when it is read. */
function objectItem(
  load: Item['load'],
  { key, location }: Place,
  path: string[],
  batch: boolean,
): Item {
  return { path, name: batch ? location : basename(key), batch, digest: null, load };
}

async function fetchObject(
  sdk: Sdk,
  client: S3Client,
  { bucket, key, location }: Place,
  signal: AbortSignal | undefined,
): Promise<Buffer<ArrayBuffer>> {
  let response: GetObjectCommandOutput;
  try {
    const command = new sdk.GetObjectCommand({ Bucket: bucket, Key: key });
    response = await client.send(command, options(signal));
    if ((response.ContentLength ?? 0) > MAX_FILE_BYTES) {
      throw new InvalidDocument(
        `${location} has ${Math.ceil((response.ContentLength ?? 0) / 1e6).toLocaleString('en')} MB: one object of the REPL may have 2 GiB (2,147 MB), split the file`,
      );
    }
    return Buffer.from((await response.Body?.transformToByteArray()) ?? []);
  } catch (error) {
    throw toDocumentError(error, location);
  }
}

function options(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

async function loadSdk(location: string): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-s3');
  } catch {
    throw new InvalidDocument(
      `${location} needs the package @aws-sdk/client-s3, which this worker does not have: npm install @aws-sdk/client-s3`,
    );
  }
}

/** Other servers take any. */
function regionOf(): string {
  return process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? 'us-east-1';
}

function toDocumentError(error: unknown, location: string): unknown {
  if (!(error instanceof Error) || error instanceof InvalidDocument) return error;
  if (error.name === 'AbortError') return error;
  const metadata = '$metadata' in error ? error.$metadata : undefined;
  const status =
    typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata
      ? Number(metadata.httpStatusCode)
      : 0;
  if (error.name === 'NoSuchBucket')
    return new InvalidDocument(`${location}: there is no such bucket`);
  if (status === 404) return new InvalidDocument(`there is no object ${location}`);
  if (status === 401 || status === 403) {
    return new InvalidDocument(
      `${location} cannot be read: the worker's credentials do not allow it (${error.name})`,
    );
  }
  if (error.name === 'CredentialsProviderError') {
    return new InvalidDocument(
      `${location} cannot be read: the worker has no AWS credentials (${error.message})`,
    );
  }
  return new SourceUnavailable(`${location} cannot be read now (${error.name}: ${error.message})`);
}
