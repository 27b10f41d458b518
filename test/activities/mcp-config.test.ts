import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { loadMcpConfig, McpServers } from '../../activities/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'rlm-mcp-'));
afterAll(() => rmSync(folder, { recursive: true }));

function load(content: string): ReturnType<typeof loadMcpConfig> {
  const file = join(folder, 'mcp.json');
  writeFileSync(file, content);
  return loadMcpConfig({ RLM_MCP_CONFIG: file });
}

describe('the configuration of MCP servers', () => {
  test('is empty without a file', () => {
    expect(loadMcpConfig({})).toEqual({});
    expect(loadMcpConfig({ RLM_MCP_CONFIG: '' })).toEqual({});
  });

  test('names programs and addresses, with defaults', () => {
    const servers = {
      files: { command: 'mcp-files' },
      tickets: { url: 'https://example.com/mcp' },
    };
    expect(load(JSON.stringify({ mcpServers: servers }))).toEqual({
      files: { command: 'mcp-files', args: [], env: {} },
      tickets: { url: 'https://example.com/mcp', headers: {} },
    });
  });

  test.each([
    ['{', /names .*mcp\.json, which cannot be read: /],
    ['{}', /names .*mcp\.json, which is not valid: mcpServers: /],
    ['{"mcpServers":{"a":{"cmd":"x"}}}', /names .*mcp\.json, which is not valid: mcpServers\.a: /],
  ])('is refused by name and place: %s', (content, message) => {
    expect(() => load(content)).toThrow(message);
  });

  test('that names a file which is not there is refused', () => {
    expect(() => loadMcpConfig({ RLM_MCP_CONFIG: join(folder, 'none') })).toThrow(
      /^RLM_MCP_CONFIG names .*none, which cannot be read: .*ENOENT/,
    );
  });
});

describe('an MCP server', () => {
  const { signal } = new AbortController();
  const calculator = {
    command: process.execPath,
    args: ['--no-warnings', join(import.meta.dirname, '../worker/mcp-calculator.ts')],
    env: {},
  };

  test('that cannot be reached is named, and tried again with the next call', async () => {
    const servers = new McpServers({
      broken: { command: join(folder, 'nothing'), args: [], env: {} },
    });
    for (const _ of [1, 2]) {
      await expect(servers.list('broken')).rejects.toThrow(
        /^The MCP server broken cannot be reached: .*ENOENT\.$/,
      );
    }
  });

  test('that ended is started again by the next call', async () => {
    const servers = new McpServers({ calculator });
    expect((await servers.list('calculator')).map(({ name }) => name)).toEqual([
      'add-up',
      'fail',
      'greet',
      'exit',
    ]);
    await expect(servers.call('calculator', 'exit', {}, signal)).rejects.toThrow(
      'Connection closed',
    );
    expect(await servers.call('calculator', 'greet', {}, signal)).toEqual({
      text: 'Hello from nowhere',
      format: 'text',
    });
    await servers.close();
  }, 60_000);

  test('sees nothing of the worker’s environment but what it is given', async () => {
    process.env['PLACE'] = 'the worker';
    const servers = new McpServers({ calculator });
    const said = await servers.call('calculator', 'greet', {}, signal);
    delete process.env['PLACE'];
    await servers.close();
    expect(said).toMatchObject({ text: 'Hello from nowhere' });
  }, 60_000);

  test('of no configuration is refused with the names that there are', async () => {
    await expect(new McpServers({}).list('x')).rejects.toThrow(
      'spec.mcp: no MCP server is called x; the worker has none (RLM_MCP_CONFIG)',
    );
  });
});
