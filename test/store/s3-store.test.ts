import { randomUUID } from 'node:crypto';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  BlobCorrupted,
  digestOf,
  openStore,
  StoreLocationInvalid,
  StoreUnavailable,
  type Store,
} from '../../store/index.ts';
import { parseS3Location } from '../../store/s3/location.ts';
import { toS3Failure } from '../../store/s3/s3-failure.ts';
import { findS3Program, NO_S3_SERVER, type S3Server, startS3Server } from '../support/s3-server.ts';
import { runStoreTests, runUpkeepTests } from './blob-store.conformance.ts';

// Scope: a store in a bucket, against a real server, and what its address may be.

const HELLO = digestOf(Buffer.from('hello'));
const program = findS3Program();
if (program === undefined) console.warn(`test/store/s3-store.test.ts: ${NO_S3_SERVER}`);

(program === undefined ? describe.skip : describe)('with a server', () => {
  let server: S3Server;
  beforeAll(async () => {
    if (program !== undefined) server = await startS3Server(program);
  });
  afterAll(async () => server.stop());

  const address = (prefix: string = randomUUID()): string =>
    `s3://store/${prefix}?endpoint=${encodeURIComponent(server.endpoint)}`;
  const failureOf = async (operation: Promise<unknown>): Promise<unknown> =>
    operation.catch((error: unknown) => error);

  runStoreTests('a store on S3', () => openStore(address()));
  runUpkeepTests('a store on S3', () => openStore(address()));

  test('gives another process what one has stored, and says where it is', async () => {
    const prefix = `deep/er/${randomUUID()}`;
    const first = await openStore(address(prefix));
    await first.blobs.put(Buffer.from('hello'));
    await first.records.create('key', HELLO);
    const second = await openStore(address(`/${prefix}/`));
    expect((await second.blobs.get(HELLO)).toString()).toBe('hello');
    expect(await second.records.find('key')).toBe(HELLO);
    expect(second.describe()).toBe(`s3://store/${prefix} at ${server.endpoint}`);
  });

  test('keeps stores of different prefixes apart', async () => {
    const [one, two] = [await openStore(address('a')), await openStore(address('ab'))];
    await one.blobs.put(Buffer.from('hello'));
    await one.records.create('key', HELLO);
    expect(await two.blobs.has(HELLO)).toBe(false);
    expect(await two.records.find('key')).toBeUndefined();
  });

  test('lets one writer win between two stores that race for 40 records', async () => {
    const prefix = randomUUID();
    const stores = await Promise.all([openStore(address(prefix)), openStore(address(prefix))]);
    const told = await Promise.all(
      stores.map((store, writer) =>
        Promise.all(
          Array.from({ length: 40 }, (_, i) =>
            store.records.create(`race/${i}`, digestOf(Buffer.from(`${writer}/${i}`))),
          ),
        ),
      ),
    );
    expect(told[0]).toEqual(told[1]);
  });

  test('refuses a damaged blob by name, and mends it when it is put again', async () => {
    if (server.folder === null) return console.warn('moto keeps no files to damage');
    const prefix = randomUUID();
    const store = await openStore(address(prefix));
    await store.blobs.put(Buffer.from('hello'));
    const file = join(server.folder, prefix, 'blobs', HELLO.slice(7, 9), HELLO.slice(9));
    const bytes = await readFile(file);
    await truncate(file, 10);
    const failure = await failureOf(store.blobs.get(HELLO));
    expect(failure).toBeInstanceOf(BlobCorrupted);
    expect(failure).toMatchObject({ digest: HELLO, store: store.describe() });
    bytes[bytes.length - 1] = 0x58;
    await writeFile(file, bytes);
    await expect(store.blobs.get(HELLO)).rejects.toThrow(
      `blob ${HELLO} in ${store.describe()} is corrupted: its bytes have the digest sha256:`,
    );
    await store.blobs.put(Buffer.from('hello'));
    expect((await store.blobs.get(HELLO)).toString()).toBe('hello');
  });

  test('a blob that was put while a collection took it away is read from the trash, and comes back', async () => {
    const store = await openStore(address());
    await store.blobs.put(Buffer.from('hello'));
    // The order that S3 allows: the collector looked at its age, then it was put, then it was deleted.
    expect(await store.upkeep.discard(HELLO, Date.now() + 60_000)).toBe(true);
    expect(await store.blobs.has(HELLO)).toBe(true);
    expect((await store.blobs.get(HELLO)).toString()).toBe('hello');
    expect(await store.upkeep.settleTrash(() => false, 0)).toMatchObject({ waiting: 1, freed: 0 });
    expect(await store.upkeep.settleTrash(() => true, 0)).toMatchObject({ restored: 1 });
    expect(await listed(store)).toEqual([HELLO]);
    expect((await store.blobs.get(HELLO)).toString()).toBe('hello');
  });

  test('a bucket that is not there is told in one sentence', async () => {
    const failure = await failureOf(
      openStore(`s3://no-such-bucket/x?endpoint=${encodeURIComponent(server.endpoint)}`),
    );
    expect(failure).toBeInstanceOf(StoreUnavailable);
    expect(failure).toMatchObject({
      code: 'NoSuchBucket',
      message: `the bucket of s3://no-such-bucket/x at ${server.endpoint} does not exist: make it or choose another store`,
    });
  });
});

async function listed(store: Store): Promise<string[]> {
  const digests: string[] = [];
  for await (const { digest } of store.upkeep.blobs()) digests.push(digest);
  return digests;
}

describe('an S3 address', () => {
  test('of a server that ignores If-None-Match is refused: records would not hold', async () => {
    // Takes every PUT, as servers do that do not know conditional writes.
    const objects = new Map<string, Buffer>();
    const careless = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const path = request.url?.split('?')[0] ?? '';
        const found = objects.get(path);
        if (request.method === 'PUT') objects.set(path, Buffer.concat(chunks));
        if (request.method === 'DELETE') objects.delete(path);
        if (request.url?.includes('list-type')) response.end('<ListBucketResult/>');
        else if (request.method === 'GET' && found === undefined) {
          response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
        } else response.end(request.method === 'GET' ? found : '');
      });
    }).listen(0, '127.0.0.1');
    await once(careless, 'listening');
    const address = careless.address();
    const port = typeof address === 'object' ? address?.port : 0;
    process.env['AWS_ACCESS_KEY_ID'] ??= 'key';
    process.env['AWS_SECRET_ACCESS_KEY'] ??= 'secret';
    try {
      const opening = openStore(`s3://store/x?endpoint=http://127.0.0.1:${port}`);
      const failure: unknown = await opening.catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(StoreLocationInvalid);
      expect(failure).toMatchObject({
        message: `cannot keep a store at s3://store/x at http://127.0.0.1:${port}: its server overwrites an object in spite of If-None-Match, so two writers of a record would not agree`,
      });
      expect([...objects.keys()]).toEqual([]);
    } finally {
      careless.close();
    }
  });

  test.each([
    ['s3://bucket', {}, { bucket: 'bucket', prefix: '', region: 'us-east-1', pathStyle: false }],
    [
      's3://bucket/a/b/?region=eu-west-1',
      { AWS_REGION: 'us-west-2' },
      { prefix: 'a/b/', region: 'eu-west-1', endpoint: undefined },
    ],
    [
      's3://bucket',
      { AWS_ENDPOINT_URL_S3: 'http://minio:9000', AWS_ENDPOINT_URL: 'http://other' },
      { endpoint: 'http://minio:9000', pathStyle: true },
    ],
    [
      's3://bucket?endpoint=https://s3.example.com&pathStyle=false',
      { AWS_ENDPOINT_URL: 'http://other' },
      { endpoint: 'https://s3.example.com', pathStyle: false },
    ],
    ['s3://bucket', { RLM_S3_PATH_STYLE: '1' }, { pathStyle: true }],
  ])('%s with %j', (location, env, expected) => {
    expect(parseS3Location(location, env)).toMatchObject(expected);
  });

  const form = '(s3://bucket/prefix?endpoint=https://host&region=name&pathStyle=true)';
  test.each([
    ['s3://', 's3://: it names no bucket'],
    ['s3://No_Bucket/x', 's3://No_Bucket/x: it names no bucket'],
    ['s3://bucket?endpont=x', 's3://bucket?endpont=x: "endpont" is no setting of it'],
    [
      's3://bucket?endpoint=minio:9000',
      's3://bucket?endpoint=minio:9000: the endpoint minio:9000 is no http or https URL',
    ],
    [
      's3://key:secret@bucket/x',
      'bucket: keys do not belong into it, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    ],
    [
      's3://bucket?pathStyle=yes',
      's3://bucket?pathStyle=yes: pathStyle is "yes", expected true or false',
    ],
  ])('%s is refused in one sentence', (location, message) => {
    expect(() => parseS3Location(location, {})).toThrow(
      `cannot open a store at ${message} ${form}`,
    );
  });
});

describe('an error of S3', () => {
  const store = 's3://store/x';
  test.each([
    ['ECONNREFUSED', 'no server answers for s3://store/x: check the endpoint'],
    ['AccessDenied', 'no permission to use s3://store/x: give these credentials access to it'],
    ['SlowDown', 's3://store/x cannot be used (SlowDown)'],
  ])('%s is one sentence, and the store unavailable', (code, message) => {
    const failure = toS3Failure(Object.assign(new Error('raw'), { code }), store);
    expect(failure).toBeInstanceOf(StoreUnavailable);
    expect(failure).toMatchObject({ code, message });
  });

  test('without credentials says which variables to set', () => {
    const raw = Object.assign(new Error('raw'), { name: 'CredentialsProviderError' });
    expect(toS3Failure(raw, store)).toMatchObject({
      message:
        'there are no credentials for s3://store/x: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile',
    });
  });

  test('that is a fault of this program stays what it is', () => {
    const raw = new TypeError('x is not a function');
    expect(toS3Failure(raw, store)).toBe(raw);
  });
});
