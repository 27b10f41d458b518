import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createProbe } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { NO_ACCESS, type SourceAccess } from '../../documents/index.ts';
import { readFiles, refusal, remote } from './read-files.ts';

// Scope: what a worker reads itself from S3, and what it must not.

/** moto, a server of the S3 interface in Python: `pip install "moto[server]"`, or its folder in RLM_TEST_MOTO. */
const MOTO = process.env['RLM_TEST_MOTO'] ?? 'moto_server';
const hasMoto = spawnSync(MOTO, ['--version'], { stdio: 'ignore' }).error === undefined;
if (!hasMoto) {
  console.warn(
    'The tests of s3:// are skipped: there is no moto_server (pip install "moto[server]").',
  );
}

(hasMoto ? describe : describe.skip)('S3', () => {
  let server: ChildProcess;
  let access: SourceAccess;
  const before = { ...process.env };

  beforeAll(async () => {
    const port = await freePort();
    server = spawn(MOTO, ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    const endpoint = `http://127.0.0.1:${port}`;
    process.env['AWS_ACCESS_KEY_ID'] = 'test';
    process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
    access = { ...NO_ACCESS, s3Buckets: null, s3Endpoint: endpoint };
    const until = Date.now() + 60_000;
    while (
      !(await fetch(endpoint).then(
        () => true,
        () => false,
      ))
    ) {
      if (Date.now() > until) throw new Error('moto_server does not start');
      await new Promise((done) => setTimeout(done, 200));
    }
    const sdk = await import('@aws-sdk/client-s3');
    const client = new sdk.S3Client({ endpoint, forcePathStyle: true, region: 'us-east-1' });
    await client.send(new sdk.CreateBucketCommand({ Bucket: 'papers' }));
    const contract = await readFile(join(import.meta.dirname, 'fixtures', 'contract.pdf'));
    const objects: [string, string | Buffer][] = [
      ['2026/contract.pdf', contract],
      ['2026/notes.txt', 'Notes'],
      ['2026/sub/bad.json', '{'],
      ['other.csv', 'a,b\n1,2\n'],
    ];
    for (const [Key, Body] of objects) {
      await client.send(new sdk.PutObjectCommand({ Bucket: 'papers', Key, Body }));
    }
    client.destroy();
  }, 90_000);
  afterAll(async () => {
    process.env = before;
    server.kill();
    if (server.exitCode === null) await once(server, 'exit');
  });

  test('gives one object, all below a prefix, or those of a pattern', async () => {
    const one = await readFiles({ t: remote('s3://papers/other.csv') }, { access });
    expect(one.values).toEqual({ t: [{ a: '1', b: '2' }] });
    const all = await readFiles({ d: remote('s3://papers/2026/') }, { access });
    expect(Object.keys(all.values)).toEqual(['d > contract.pdf', 'd > notes.txt']);
    expect(all.entries[0]?.document).toMatchObject({
      name: 'contract.pdf',
      metadata: { pages: 3 },
    });
    expect(all.notes).toEqual([
      expect.stringContaining('s3://papers/2026/sub/bad.json is not valid JSON: '),
    ]);
    const some = await readFiles(remote('s3://papers/2026/*.txt'), { access });
    expect(some.values).toEqual({ 'notes.txt': 'Notes' });
  });

  test('says what it does not have', async () => {
    expect(await refusal(readFiles(remote('s3://papers/none.txt'), { access }))).toBe(
      'InvalidDocument: there is no object s3://papers/none.txt',
    );
    expect(await refusal(readFiles(remote('s3://papers/none/'), { access }))).toBe(
      'InvalidDocument: s3://papers/none/ holds no objects',
    );
    expect(await refusal(readFiles(remote('s3://nowhere/x'), { access }))).toBe(
      'InvalidDocument: s3://nowhere/x: there is no such bucket',
    );
    const limited: SourceAccess = { ...access, s3Buckets: ['other'] };
    expect(await refusal(readFiles(remote('s3://papers/other.csv'), { access: limited }))).toBe(
      'InvalidDocument: s3://papers/other.csv: papers is not a bucket that runs may read (RLM_S3_BUCKETS)',
    );
    const gone: SourceAccess = { ...access, s3Endpoint: 'http://127.0.0.1:1' };
    expect(await refusal(readFiles(remote('s3://papers/other.csv'), { access: gone }))).toMatch(
      /^SourceUnavailable: s3:\/\/papers\/other\.csv cannot be read now \(/,
    );
  });
});

async function freePort(): Promise<number> {
  const probe = createProbe();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  return typeof address === 'object' ? (address?.port ?? 0) : 0;
}
