import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { openWorkplace, type Workplace } from './rlm-command.ts';

// Scope: each mistake gives one sentence on standard error, an exit code, no stack trace, and leaves nothing behind.

let place: Workplace;
beforeAll(async () => {
  place = await openWorkplace();
});
afterAll(() => place.remove());
afterEach(async () => {
  expect(await place.traces()).toEqual([]);
});

const INPUT = ['--input', 'notes=notes.txt'];
const HELP = '(rlm --help lists the commands, rlm COMMAND --help their options)\n';

describe('a command line that is wrong', () => {
  test.each([
    [
      ['run', '  ', ...INPUT],
      2,
      'rlm: The question is empty: put it in quotes after the command.\n',
    ],
    [['run', 'Why?'], 2, 'rlm: There is no input: name a file or folder with --input name=path.\n'],
    [
      ['run', 'Why?', '--input', 'notes=missing.txt'],
      1,
      'rlm: There is no file or folder missing.txt: check --input.\n',
    ],
    [['run', 'Why?', ...INPUT, ...INPUT], 1, 'rlm: Input "notes" is given twice: check --input.\n'],
    [
      ['run', 'Why?', ...INPUT, '--turns', '0'],
      2,
      `rlm: Option '--turns <n>' argument '0' is invalid. Expected a whole number of at least 1.\n${HELP}`,
    ],
    [
      ['run', 'Why?', ...INPUT, '--confirm', 'sometimes'],
      2,
      `rlm: Option '--confirm <when>' argument 'sometimes' is invalid. Allowed choices are unseen, always, never.\n${HELP}`,
    ],
    [
      ['run', 'Why?', ...INPUT, '--package', 'missing-1-py3-none-any.whl'],
      2,
      'rlm: There is no file missing-1-py3-none-any.whl that can be read: check --package.\n',
    ],
    [
      ['run', 'Why?', ...INPUT, '--package', 'notes.txt'],
      2,
      'rlm: --package: "notes.txt" is no name of a wheel: expected name-version-py3-none-any.whl.\n',
    ],
    [
      ['run', 'Why?', ...INPUT, '--answer-schema', 'missing.json'],
      2,
      'rlm: The schema missing.json cannot be read: check --answer-schema.\n',
    ],
    [
      ['run', 'Why?', ...INPUT, '--answer-schema', 'notes.txt'],
      2,
      /^rlm: The schema notes\.txt is not JSON: [^\n]+\.\n$/,
    ],
    [['frobnicate'], 2, `rlm: Unknown command 'frobnicate'\n${HELP}`],
    [
      ['schedule', 'create', 'weekly', 'Why?', ...INPUT],
      2,
      'rlm: Say when the runs start: either --cron or --every.\n',
    ],
    [
      ['schedule', 'create', 'weekly', '--every', '1h'],
      2,
      'rlm: Give either a question or --spec, the JSON file that holds it.\n',
    ],
    [
      ['schedule', 'create', 'weekly', '--every', '1h', '--spec', 'missing.json'],
      2,
      'rlm: The spec missing.json cannot be read: check the path.\n',
    ],
    [
      ['schedule', 'create', 'weekly', '--every', '1h', '--spec', 'notes.txt'],
      2,
      /^rlm: The spec notes\.txt is not JSON: [^\n]+\.\n$/,
    ],
  ])('%j', async (args, code, message) => {
    const result = await place.rlm(args);
    expect(result).toEqual({
      code,
      stdout: '',
      stderr: typeof message === 'string' ? message : expect.stringMatching(message),
    });
  });

  test('a spec without input is refused by name', async () => {
    await writeFile(join(place.dir, 'spec.json'), '{"question": "Why?"}');
    const { code, stderr } = await place.rlm([
      'schedule',
      'create',
      'weekly',
      '--every',
      '1h',
      '--spec',
      'spec.json',
    ]);
    expect([code, stderr]).toEqual([
      2,
      'rlm: The spec spec.json must be a JSON object with "question" and "input" (a text, or an object of named texts).\n',
    ]);
  });

  test('shows where it failed with --debug', async () => {
    const { stderr } = await place.rlm(['run', 'Why?', '--input', 'x=missing.txt', '--debug']);
    expect(stderr).toMatch(/^rlm: There is no file or folder missing\.txt: check --input\.\n/);
    expect(stderr).toMatch(/\n {4}at /);
    expect(stderr).toMatch(/\ncaused by InvalidInput: /);
  });
});

describe('a server that does not answer', () => {
  test.each([[['run', 'Why?', ...INPUT]], [['result', 'some-run']], [['schedule', 'list']]])(
    '%j',
    async (args) => {
      const { code, stdout, stderr } = await place.rlm([...args, '--address', '127.0.0.1:1']);
      expect([code, stdout, stderr]).toEqual([
        1,
        '',
        'rlm: No Temporal server answers at 127.0.0.1:1; start one (npm run ui) or set TEMPORAL_ADDRESS.\n',
      ]);
    },
  );

  test('a worker says it too', async () => {
    const { code, stderr } = await place.rlm(['worker'], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect([code, stderr]).toEqual([
      1,
      'rlm: No Temporal server answers at 127.0.0.1:1; start one (npm run ui) or set TEMPORAL_ADDRESS.\n',
    ]);
  });

  test("the embedded Web UI is not started beside a server of one's own", async () => {
    const { code, stderr } = await place.rlm(['ui'], { TEMPORAL_ADDRESS: '127.0.0.1:1' });
    expect([code, stderr]).toEqual([
      1,
      'rlm: TEMPORAL_ADDRESS names a server of your own: open its Web UI, or unset the variable to use the embedded server.\n',
    ]);
  });
});

describe('a model that cannot be used', () => {
  test('no key at all', async () => {
    const { code, stderr } = await place.rlm(['run', 'Why?', ...INPUT]);
    expect([code, stderr]).toEqual([
      1,
      'rlm: No key for the model "gpt-5": set OPENAI_API_KEY, or OPENAI_BASE_URL to an endpoint that needs none.\n',
    ]);
  });

  test('an endpoint that is not there', async () => {
    const env = { OPENAI_BASE_URL: 'http://127.0.0.1:1/v1', OPENAI_API_KEY: 'sk-secret-key' };
    const { code, stderr } = await place.rlm(['run', 'Why?', ...INPUT], env);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^rlm: No connection to the model at http:\/\/127\.0\.0\.1:1\/v1[^\n]*: check that it runs and that the base URL is right\.\n$/,
    );
  });

  test('a wrong key, which is not shown', async () => {
    const provider = createServer((_, response) => {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end('{"error":{"message":"Incorrect API key provided: sk-secret-key"}}');
    }).listen(0, '127.0.0.1');
    await once(provider, 'listening');
    const baseUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`;
    const { code, stderr } = await place.rlm(['run', 'Why?', ...INPUT], {
      OPENAI_BASE_URL: baseUrl,
      OPENAI_API_KEY: 'sk-secret-key',
    });
    provider.close();
    expect([code, stderr]).toEqual([
      1,
      `rlm: ${baseUrl} refused the API key (401): set OPENAI_API_KEY to a valid key.\n`,
    ]);
  });
});

test('a Node that is too old is told so before anything modern is loaded', async () => {
  const pretend =
    'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.11.1"})';
  const { code, stderr } = await place.rlm(['run'], {}, ['--import', pretend]);
  expect([code, stderr]).toEqual([
    1,
    'rlm: Node 20.11.1 is too old: durable-rlm needs Node 24 or newer. Install it, or in a checkout use "npm run rlm -- …", which brings its own Node.\n',
  ]);
});
