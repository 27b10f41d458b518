import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { S3Location } from './location.ts';
import { isMissing, isTaken, toS3Failure } from './s3-failure.ts';

export interface ObjectInfo {
  key: string;
  sizeBytes: number;
  modifiedMs: number;
}

/** Of one request, connection and answer; the SDK repeats it. */
const REQUEST_MS = 60_000;
const CONNECT_MS = 5000;
const ATTEMPTS = 4;

/** The few operations on the objects of one bucket under one prefix that a store is made of. Throws StoreUnavailable. */
export class S3Objects {
  readonly name: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  constructor({ bucket, prefix, endpoint, region, pathStyle }: S3Location) {
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.name = `s3://${bucket}/${prefix}`.replace(/\/$/, '');
    if (endpoint !== undefined) this.name += ` at ${endpoint}`;
    this.#client = new S3Client({
      region,
      forcePathStyle: pathStyle,
      ...(endpoint === undefined ? {} : { endpoint }),
      maxAttempts: ATTEMPTS,
      // Many servers do not know the checksums that newer SDKs add; what is read is verified by its digest.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: REQUEST_MS },
    });
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    await this.#send(() =>
      this.#client.send(new PutObjectCommand({ ...this.#at(key), Body: body })),
    );
  }

  /** False when there is an object of that name already. */
  async create(key: string, body: Uint8Array): Promise<boolean> {
    return this.#send(async () => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          await this.#client.send(
            new PutObjectCommand({ ...this.#at(key), Body: body, IfNoneMatch: '*' }),
          );
          return true;
        } catch (error) {
          const taken = isTaken(error);
          if (taken === 'yes') return false;
          // Two writers at the same moment: the server asks both to come again.
          if (taken !== 'perhaps' || attempt >= ATTEMPTS) throw error;
        }
      }
    });
  }

  async get(key: string): Promise<Buffer | undefined> {
    return this.#find(async () => {
      const { Body } = await this.#client.send(new GetObjectCommand(this.#at(key)));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    });
  }

  async head(key: string): Promise<Omit<ObjectInfo, 'key'> | undefined> {
    return this.#find(async () => {
      const found = await this.#client.send(new HeadObjectCommand(this.#at(key)));
      return {
        sizeBytes: found.ContentLength ?? 0,
        modifiedMs: found.LastModified?.getTime() ?? 0,
      };
    });
  }

  /** False when there is no such object. */
  async copy(from: string, to: string): Promise<boolean> {
    const source = `${this.#bucket}/${this.#prefix}${from}`;
    const copied = await this.#find(() =>
      this.#client.send(new CopyObjectCommand({ ...this.#at(to), CopySource: encodeURI(source) })),
    );
    return copied !== undefined;
  }

  /** Renews the age of an object; false when there is none, or the server leaves its age as it is. */
  async renew(key: string): Promise<boolean> {
    const before = await this.head(key);
    if (before === undefined) return false;
    const at = this.#at(key);
    const copied = await this.#find(() =>
      this.#client.send(
        new CopyObjectCommand({
          ...at,
          CopySource: encodeURI(`${at.Bucket}/${at.Key}`),
          // Without a change of something S3 refuses the copy.
          MetadataDirective: 'REPLACE',
          Metadata: { renewed: String(Date.now()) },
        }),
      ),
    );
    if (copied === undefined) return false;
    const after = await this.head(key);
    return after !== undefined && after.modifiedMs > before.modifiedMs;
  }

  async remove(key: string): Promise<void> {
    await this.#send(() => this.#client.send(new DeleteObjectCommand(this.#at(key))));
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    for (let token: string | undefined; ;) {
      const ContinuationToken = token;
      const page = await this.#send(() =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: `${this.#prefix}${prefix}`,
            ...(ContinuationToken === undefined ? {} : { ContinuationToken }),
          }),
        ),
      );
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
        yield {
          key: Key.slice(this.#prefix.length),
          sizeBytes: Size,
          modifiedMs: LastModified?.getTime() ?? 0,
        };
      }
      token = page.NextContinuationToken;
      if (page.IsTruncated !== true || token === undefined) return;
    }
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#prefix}${key}` };
  }

  async #find<T>(operation: () => Promise<T>): Promise<T | undefined> {
    return this.#send(async () => {
      try {
        return await operation();
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  async #send<T>(operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      throw toS3Failure(error, this.name);
    }
  }
}
