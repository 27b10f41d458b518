import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { httpFile } from '../../documents/http-file.ts';
import { loadSourceAccess, NO_ACCESS, type SourceAccess } from '../../documents/index.ts';
import { scratchDirectories } from '../store/scratch-directory.ts';
import { readFiles, refusal, remote } from './read-files.ts';

// Scope: what a worker reads itself (files under its roots, the web), and what it must not. S3: s3-source.test.ts.

const scratch = scratchDirectories();

async function folderWith(files: Record<string, string>): Promise<string> {
  const root = await scratch();
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), content);
  }
  return root;
}

describe('settings', () => {
  test('name folders, hosts and buckets', () => {
    const env = {
      RLM_INPUT_ROOTS: '/srv/a/:/srv/b',
      RLM_HTTP_HOSTS: 'Example.com, *.example.org:8443',
      RLM_S3_BUCKETS: 'one,two',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:9000',
    };
    expect(loadSourceAccess(env)).toEqual({
      roots: ['/srv/a', '/srv/b'],
      httpHosts: ['example.com', '*.example.org:8443'],
      s3Buckets: ['one', 'two'],
      s3Endpoint: 'http://127.0.0.1:9000',
    });
    expect(loadSourceAccess({})).toMatchObject({ roots: [], httpHosts: [], s3Buckets: null });
  });

  test.each([
    [{ RLM_INPUT_ROOTS: 'data' }, 'RLM_INPUT_ROOTS: data is not an absolute path'],
    [
      { RLM_HTTP_HOSTS: 'https://example.com' },
      'RLM_HTTP_HOSTS: https://example.com is not a host; expected example.com, *.example.com or example.com:8443',
    ],
  ])('that are wrong are refused: %j', (env, message) => {
    expect(() => loadSourceAccess(env)).toThrow(message);
  });
});

describe('files of the worker', () => {
  test('are read under its roots alone', async () => {
    const root = await folderWith({ 'in/a.txt': 'A', 'in/sub/b.txt': 'B', 'out/secret.txt': 'S' });
    const access: SourceAccess = { ...NO_ACCESS, roots: [join(root, 'in')] };
    await symlink(join(root, 'out/secret.txt'), join(root, 'in/link.txt'));
    await symlink(join(root, 'in/a.txt'), join(root, 'in/own.txt'));
    expect((await readFiles({ a: remote(`worker:${root}/in/a.txt`) }, { access })).values).toEqual({
      a: 'A',
    });
    const { values, notes } = await readFiles({ all: remote(`worker:${root}/in`) }, { access });
    expect(values).toEqual({ 'all > a.txt': 'A', 'all > own.txt': 'A', 'all > sub/b.txt': 'B' });
    expect(notes).toEqual([
      `${root}/in/link.txt is a link that leads out of the folders that runs may read: left out`,
    ]);
    expect((await readFiles(remote(`worker:${root}/in/**/*b*`), { access })).values).toEqual({
      'sub/b.txt': 'B',
    });

    for (const place of [
      'out/secret.txt',
      'in/../out/secret.txt',
      'in/../out/*',
      'innocent',
      'in/link.txt',
      '',
    ]) {
      const location = `worker:${root}/${place}`;
      expect(await refusal(readFiles(remote(location), { access }))).toBe(
        `InvalidDocument: ${location} is not under a folder that runs may read (RLM_INPUT_ROOTS)`,
      );
    }
  });

  test('are none by default', async () => {
    expect(await refusal(readFiles(remote('worker:/etc/passwd')))).toBe(
      'InvalidDocument: worker:/etc/passwd: this worker reads no files of its own; set RLM_INPUT_ROOTS to the folders that runs may read',
    );
  });

  test('that are missing are named', async () => {
    const root = await scratch();
    const access: SourceAccess = { ...NO_ACCESS, roots: [root] };
    expect(await refusal(readFiles(remote(`worker:${root}/none.txt`), { access }))).toBe(
      `InvalidDocument: there is no file or folder ${root}/none.txt`,
    );
  });
});

describe('the web', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  async function serve(listener: RequestListener): Promise<{ url: string; access: SourceAccess }> {
    const server = createServer(listener);
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    return {
      url: `http://127.0.0.1:${port}`,
      access: { ...NO_ACCESS, httpHosts: [`127.0.0.1:${port}`] },
    };
  }

  test('is read on allowed hosts, by the type that the server tells', async () => {
    const { url, access } = await serve(({ url: path }, response) => {
      if (path === '/moved') response.writeHead(302, { location: '/page?x=1' }).end();
      else
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<h1>Hi</h1>');
    });
    const { values, entries } = await readFiles(remote(`${url}/moved`), { access });
    expect(values).toEqual({ '': '# Hi\n' });
    expect(entries[0]?.document).toMatchObject({
      name: 'moved.html',
      metadata: { format: 'html' },
    });
  });

  test('is off by default, and other hosts are off always', async () => {
    const asked: string[] = [];
    const { url, access } = await serve(({ url: path = '' }, response) => {
      asked.push(path);
      response.writeHead(302, { location: 'http://localhost:1/secret' }).end();
    });
    expect(await refusal(readFiles(remote(url)))).toBe(
      `InvalidDocument: ${url}: this worker fetches nothing from the web; set RLM_HTTP_HOSTS to the hosts that runs may read`,
    );
    const others: SourceAccess = { ...NO_ACCESS, httpHosts: ['example.com', '*.example.org'] };
    expect(await refusal(readFiles(remote(url), { access: others }))).toBe(
      `InvalidDocument: ${url} is not a host that runs may read (RLM_HTTP_HOSTS)`,
    );
    for (const target of [
      'http://example.com.evil.test/',
      'http://example.org/',
      'http://example.com:81/',
    ]) {
      expect(await refusal(readFiles(remote(target), { access: others }))).toBe(
        `InvalidDocument: ${target} is not a host that runs may read (RLM_HTTP_HOSTS)`,
      );
    }
    expect(await refusal(readFiles(remote(`${url}/a`), { access }))).toBe(
      `InvalidDocument: ${url}/a redirects to localhost:1, which is not a host that runs may read (RLM_HTTP_HOSTS)`,
    );
    expect(asked).toEqual(['/a']);
  });

  test('with a password in the address is refused, without showing it', async () => {
    const access: SourceAccess = { ...NO_ACCESS, httpHosts: ['example.com'] };
    expect(await refusal(readFiles(remote('https://me:secret@example.com/'), { access }))).toBe(
      'InvalidDocument: https://…@example.com: an address must not hold a password, it is kept with the run',
    );
  });

  test('that does not have it, or not now', async () => {
    const { url, access } = await serve(({ url: path }, response) => {
      if (path === '/loop') response.writeHead(302, { location: '/loop' }).end();
      else response.writeHead(path === '/busy' ? 503 : 404).end();
    });
    expect(await refusal(readFiles(remote(`${url}/x`), { access }))).toBe(
      `InvalidDocument: ${url}/x answered with status 404`,
    );
    expect(await refusal(readFiles(remote(`${url}/busy`), { access }))).toBe(
      `SourceUnavailable: ${url}/busy answered with status 503`,
    );
    expect(await refusal(readFiles(remote(`${url}/loop`), { access }))).toBe(
      `InvalidDocument: ${url}/loop redirects more than 5 times`,
    );
    const closed: SourceAccess = { ...NO_ACCESS, httpHosts: ['127.0.0.1:1'] };
    expect(await refusal(readFiles(remote('http://127.0.0.1:1/x'), { access: closed }))).toMatch(
      /^SourceUnavailable: http:\/\/127\.0\.0\.1:1\/x cannot be reached \(.+\)$/,
    );
  });

  test('has limits of size, also of what is packed, and of time', async () => {
    const packed = gzipSync(Buffer.alloc(3_000_000));
    const { url, access } = await serve(({ url: path }, response) => {
      if (path === '/packed') response.writeHead(200, { 'content-encoding': 'gzip' }).end(packed);
      else response.writeHead(200).write('slowly');
    });
    const limits = { maxBytes: 2 ** 20, limitMs: 500 };
    expect(await refusal(httpFile(`${url}/packed`, [], access, undefined, limits))).toBe(
      `InvalidDocument: ${url}/packed has more than 1 MiB: fetch it yourself and give it as a file`,
    );
    expect(await refusal(httpFile(`${url}/slow`, [], access, undefined, limits))).toBe(
      `InvalidDocument: ${url}/slow took longer than 1 s`,
    );
  });
});
