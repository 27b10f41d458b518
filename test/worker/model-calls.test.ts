import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunAnswer, RlmClient, type RunRequest } from '../../client/index.ts';
import { openWorkplace, type RunningCommand, type Workplace } from '../cli/rlm-command.ts';
import {
  type FaultServer,
  type SeenRequest,
  type Served,
  startFaultServer,
} from '../support/fault-server.ts';
import { baseHeap, filesOf, historyOf, type Leaving } from '../support/leavings.ts';
import { CACHE_DIR } from '../repl/support/session.ts';
import { temporalAddress } from '../support/shared-server.ts';

// Scope: model calls of a worker process as a person starts it, under Temporal's retries, against a server that fails.

const KEY = `sk-${randomBytes(24).toString('hex')}`;
const QUEUE = `model-calls-${process.pid}`;
const PNG = Buffer.from('89504e470d0a1a0a00ff', 'hex');

const FAULTS: Record<string, Served> = {
  '429': { kind: 'status', status: 429, headers: { 'retry-after-ms': '300' } },
  '500': { kind: 'status', status: 500, error: { message: `key ${KEY} of the server` } },
  '503': { kind: 'status', status: 503, headers: { 'retry-after': '1' } },
  hang: { kind: 'hang' },
  drip: { kind: 'drip', everyMs: 300 },
  cut: { kind: 'cut', clean: false },
  malformed: { kind: 'malformed' },
  html: { kind: 'html' },
  reset: { kind: 'reset' },
  emptyChoices: { kind: 'emptyChoices' },
  empty: { kind: 'reply', text: '' },
};
const NAMES = Object.keys(FAULTS);

/** Python of each turn, by question. */
const SCRIPTS: Record<string, readonly string[]> = {
  'Q: faults': [
    `rs = llm_query_batched([f"fault {n}" for n in ${JSON.stringify(NAMES)}])\nprint(sum(ok(r) for r in rs), [r.error for r in rs if not ok(r)])`,
    `bad = llm_query("fault 400")\nprint(bad.error)`,
    `import os\nmarker = "find" + "-me-" + "in-the-heap"\nprint(dict(os.environ))`,
    'answer["content"] = " ".join(rs); answer["ready"] = True',
  ],
  'Q: image': [
    `png = bytes.fromhex("${PNG.toString('hex')}")\nr = llm_query("look", "third", images=[png], schema={"type": "object", "required": ["seen"]})\nprint(r.data)`,
    'answer["content"] = r.data["seen"]; answer["ready"] = True',
  ],
  'Q: storm': [
    'rs = llm_query_batched([f"storm {i}" for i in range(500)])\nprint(sum(ok(r) for r in rs))',
    'answer["content"] = str(sum(ok(r) for r in rs)); answer["ready"] = True',
  ],
};

let server: FaultServer;
let place: Workplace;
let worker: RunningCommand;
let client: RlmClient;
let pids: number[];

/** Requests a second that the server lets through in the storm. */
const STORM_RATE = 40;
let stormWindow = { start: 0, count: 0 };
let rootFailed = false;

function serve({ body, prompt, atMs }: SeenRequest): Served {
  if (body.model === 'root') {
    if (!rootFailed) {
      rootFailed = true;
      return { kind: 'status', status: 503, headers: { 'retry-after-ms': '100' } };
    }
    const turn = body.messages.filter(({ role }) => role === 'assistant').length;
    const all = JSON.stringify(body.messages);
    const script = Object.entries(SCRIPTS).find(([question]) => all.includes(question))?.[1];
    return { kind: 'reply', text: `\`\`\`python\n${script?.[turn] ?? ''}\n\`\`\`` };
  }
  if (prompt.startsWith('storm')) {
    if (atMs - stormWindow.start > 1000) stormWindow = { start: atMs, count: 0 };
    stormWindow.count += 1;
    if (stormWindow.count <= STORM_RATE) return { kind: 'reply', text: 'calm', afterMs: 20 };
    const wait = Math.ceil(1000 - (atMs - stormWindow.start));
    return { kind: 'status', status: 429, headers: { 'retry-after-ms': String(wait) } };
  }
  if (prompt.startsWith('look')) return { kind: 'reply', text: "{'seen': 'a cat',}" };
  if (prompt === 'fault 400') {
    return { kind: 'status', status: 400, error: { message: `no such thing: Bearer ${KEY}` } };
  }
  const isFirst = server.requests.filter((other) => other.prompt === prompt).length === 1;
  const fault = FAULTS[prompt.replace('fault ', '')];
  return (isFirst ? fault : undefined) ?? { kind: 'reply', text: `after ${prompt}` };
}

beforeAll(async () => {
  server = await startFaultServer(serve);
  place = await openWorkplace();
  const price = { inputUsdPerMTok: 0, outputUsdPerMTok: 0 };
  const model = { baseUrl: server.baseUrl, keyVariable: 'THE_KEY', prices: price };
  const config = {
    root: 'root',
    sub: 'sub',
    models: { root: model, sub: { ...model, timeoutMs: 3000 }, third: model },
  };
  writeFileSync(join(place.dir, 'rlm.config.json'), JSON.stringify(config));
  const env = {
    TEMPORAL_ADDRESS: temporalAddress(),
    RLM_TASK_QUEUE: QUEUE,
    THE_KEY: KEY,
    RLM_CACHE_DIR: CACHE_DIR,
    RLM_MODEL_CONCURRENCY: '500',
  };
  worker = place.start(['worker', '--json', '--debug'], env);
  const hosts = await worker.line(/"kernelHosts":\[([\d,]+)\]/);
  pids = hosts.split(',').map(Number);
  client = await RlmClient.connect({
    address: temporalAddress(),
    store: join(place.dir, '.rlm', 'store'),
    taskQueue: QUEUE,
  });
}, 60_000);

afterAll(async () => {
  worker.kill('SIGTERM');
  await client.close();
  await worker.result;
  await server.close();
  await place.remove();
}, 60_000);

async function run(question: string, more: Partial<RunRequest> = {}): Promise<RunAnswer> {
  const input = 'The term is twelve months.';
  return await client.run({ question, input, confirm: 'never', ...more });
}

const requestsFor = (prompt: string): number =>
  server.requests.filter((request) => request.prompt === prompt).length;

/** Where bytes occur in what is left behind, in plain or in base64. */
function finds(leavings: readonly Leaving[], text: string): string[] {
  const forms = [
    text,
    Buffer.from(text).toString('base64').slice(0, 24),
    Buffer.from(text, 'utf16le'),
  ];
  return leavings
    .filter(({ bytes }) => forms.some((form) => bytes.includes(form)))
    .map(({ where }) => where);
}

/** Activities that called models, with their queue and fairness key. */
async function queuesOf({ workflowId }: RunAnswer): Promise<string[]> {
  const { events } = await client.temporal.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) => {
    const name = scheduled?.activityType?.name ?? '';
    if (!['nextTurn', 'answerCall'].includes(name)) return [];
    return [[name, scheduled?.taskQueue?.name, scheduled?.priority?.fairnessKey].join(' ')];
  });
}

describe('a worker whose model server fails', () => {
  let answered: RunAnswer;

  test('retries each fault once, and the run is answered', async () => {
    answered = await run('Q: faults');
    expect(answered.result.reason).toBe('answered');
    expect(answered.answer).toBe(NAMES.map((name) => `after fault ${name}`).join(' '));
    expect(NAMES.map((name) => [name, requestsFor(`fault ${name}`)])).toEqual(
      NAMES.map((name) => [name, 2]),
    );
    // What is wrong with a call is not tried again.
    expect(requestsFor('fault 400')).toBe(1);
    // Four turns, the first of which failed once.
    expect(server.requests.filter(({ body }) => body.model === 'root')).toHaveLength(5);
    expect(new Set(server.requests.map(({ key }) => key))).toEqual(new Set([KEY]));
  }, 60_000);

  test('calls each model in a queue of its own, with a fairness key of the run', async () => {
    expect(new Set(await queuesOf(answered))).toEqual(
      new Set([
        `nextTurn ${QUEUE}-model-root ${answered.workflowId}`,
        `answerCall ${QUEUE}-model-sub ${answered.workflowId}`,
      ]),
    );
  });

  test('leaves its key nowhere: history, store, logs, heaps', async () => {
    const runtime = await worker.line(/-repl-([^"]+)"/);
    const leavings = [
      ...(await historyOf(client.temporal, answered.workflowId)),
      ...(await filesOf(join(place.dir, '.rlm'), await baseHeap(CACHE_DIR, runtime))),
      { where: 'log', bytes: Buffer.from(worker.said()) },
      ...pids.map((pid) => ({
        where: `environment of kernel host ${pid}`,
        bytes:
          process.platform === 'linux' ? readFileSync(`/proc/${pid}/environ`) : Buffer.alloc(0),
      })),
    ];
    expect(finds(leavings, KEY)).toEqual([]);
    // Neither a part of it, nor its digest.
    expect(finds(leavings, KEY.slice(0, 16))).toEqual([]);
    expect(finds(leavings, createHash('sha256').update(KEY).digest('hex'))).toEqual([]);
    // The search itself finds what is there.
    expect(finds(leavings, 'find-me-in-the-heap')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^heap of /)]),
    );
    expect(finds(leavings, 'after fault 503')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^blob /), expect.stringMatching(/^heap of /)]),
    );
    expect(finds(leavings, 'no such thing: Bearer ***')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^blob /)]),
    );
    expect(finds(leavings, answered.workflowId)).toEqual(
      expect.arrayContaining([expect.stringMatching(/^history of /)]),
    );
  }, 60_000);
});

test('an image of Python comes to the model that the call names, in its queue, and its JSON answer back as data', async () => {
  const answered = await run('Q: image');
  expect(answered.answer).toBe('a cat');
  const asked = server.requests.find(({ prompt }) => prompt.startsWith('look'));
  expect(asked?.body.messages[0]?.content).toMatchObject([
    { type: 'text', text: expect.stringMatching(/^look\n\nAnswer with JSON alone/) },
    { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG.toString('base64')}` } },
  ]);
  expect(asked?.body.model).toBe('third');
  expect(await queuesOf(answered)).toContain(
    `answerCall ${QUEUE}-model-third ${answered.workflowId}`,
  );
}, 60_000);

test('a storm of 429s at 500 calls settles, with few requests a call', async () => {
  const before = server.requests.length;
  const started = performance.now();
  const { answer } = await run('Q: storm', { concurrency: 500 });
  const seconds = (performance.now() - started) / 1000;
  expect(answer).toBe('500');
  const storm = server.requests.slice(before).filter(({ prompt }) => prompt.startsWith('storm'));
  process.stdout.write(
    `500 calls at ${STORM_RATE} a second: ${seconds.toFixed(1)} s, ${storm.length} requests\n`,
  );
  expect(storm.length).toBeLessThan(2000);
  expect(seconds).toBeLessThan(90);
}, 120_000);
