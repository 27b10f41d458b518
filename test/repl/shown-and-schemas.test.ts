import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CallRequest } from '../../protocol/index.ts';
import type { Repl } from '../../repl/index.ts';
import { getJson, memoryStore } from '../../store/index.ts';
import { openTestRepl, Session } from './support/session.ts';

const store = memoryStore();
let repl: Repl;
let session: Session;

beforeAll(async () => {
  repl = await openTestRepl(store);
  session = new Session(repl, store);
});
afterAll(() => repl.dispose());

const PNG = '\\x89PNG\\r\\n\\x1a\\n';

/** What the calls of a cell ask for. */
async function requestsOf(code: string): Promise<CallRequest[]> {
  const { input, waiting } = await session.wait(code);
  const { calls } = await session.round(waiting);
  await session.resume(input, waiting);
  return await Promise.all(calls.map(({ request }) => getJson(store, request, CallRequest)));
}

describe('images of a sub-call', () => {
  test('are stored as they are, and named by the request', async () => {
    const [request] = await requestsOf(
      `llm_query("What is it?", images=[b"${PNG}1", bytearray(b"\\xff\\xd8\\xff2"), memoryview(b"GIF89a3"), b"RIFFxxxxWEBP4"])`,
    );
    expect(request).toMatchObject({ kind: 'llm', prompt: 'What is it?' });
    const types = request?.images?.map(({ mediaType }) => mediaType);
    expect(types).toEqual(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
    const first = request?.images?.[0]?.blob;
    expect(first === undefined ? null : (await store.blobs.get(first)).toString('latin1')).toBe(
      '\x89PNG\r\n\x1a\n1',
    );
  });

  test('of a batch belong to their prompts', async () => {
    const requests = await requestsOf(
      `llm_query_batched(["a", "b", "c"], images=[[b"${PNG}a"], None, []])`,
    );
    expect(requests.map(({ images }) => images?.length)).toEqual([1, undefined, undefined]);
  });

  test('go with await too', async () => {
    const [request] = await requestsOf(`await llm_query_async("a", images=[b"${PNG}a"])`);
    expect(request?.images).toHaveLength(1);
  });

  test('large ones come whole, and count as a long prompt', async () => {
    const { input, waiting } = await session.wait(
      `big = b"${PNG}" + bytes(range(256)) * 8192\nllm_query("a", images=[big])`,
    );
    expect(waiting.longestPromptBytes).toBeGreaterThan(4000);
    const { calls } = await session.round(waiting);
    await session.resume(input, waiting);
    const request = await getJson(store, calls[0]?.request ?? '', CallRequest);
    const bytes = await store.blobs.get(request.images?.[0]?.blob ?? '');
    expect([bytes.length, bytes.at(-1)]).toEqual([8 + 256 * 8192, 255]);
  });

  test.each([
    ['"a.png"', 'TypeError', 'images must be a list of images (bytes), not str'],
    ['b"x"', 'TypeError', 'images must be a list of images (bytes), not bytes'],
    [
      '["a.png"]',
      'TypeError',
      'an image must be bytes, not str: read its file with open(path, "rb").read()',
    ],
    ['[5]', 'TypeError', 'an image must be bytes, not int'],
    [
      '[b"%PDF-1.7"]',
      'ValueError',
      "an image must be PNG, JPEG, GIF or WebP; this one begins with b'%PDF-1.7'",
    ],
    [`[b"${PNG}"] * 21`, 'ValueError', 'a call shows at most 20 images'],
    [
      `[b"${PNG}" + bytes(11_000_000)] * 2`,
      'ValueError',
      'the images of a call have at most 20,971,520 bytes together',
    ],
  ])('%s is refused', async (images, type, message) => {
    const { error } = await session.run(`llm_query("a", images=${images})`);
    expect(error).toMatchObject({ type, message });
  });

  test.each([
    [
      `[b"${PNG}"]`,
      'TypeError',
      'llm_query_batched() takes a list of images for each prompt: images=[[first], [second], ...]',
    ],
    ['[[], []]', 'ValueError', 'llm_query_batched() was given 1 prompts and images for 2'],
  ])('of a batch, %s is refused', async (images, type, message) => {
    const { error } = await session.run(`llm_query_batched(["a"], images=${images})`);
    expect(error).toMatchObject({ type, message });
  });
});

describe('the schema of a sub-call', () => {
  test('goes with the request as it was written', async () => {
    const [request] = await requestsOf(
      'llm_query("Who?", system="Be brief.", schema={"type": "object", "required": ["näme"]})',
    );
    expect(request).toEqual({
      kind: 'llm',
      prompt: 'Be brief.\n\nWho?',
      model: null,
      context: null,
      schema: '{"type": "object", "required": ["näme"]}',
    });
  });

  test.each([
    ['"object"', 'schema must be a JSON Schema (a dict), not str'],
    [
      '{"a": object()}',
      'schema must be a JSON Schema that json can hold: Object of type object is not JSON serializable',
    ],
  ])('%s is refused', async (schema, message) => {
    const { error } = await session.run(`llm_query("a", schema=${schema})`);
    expect(error).toMatchObject({ type: 'TypeError', message });
  });

  test('and images: a replay in another kernel makes the same requests', async () => {
    const code = `r = llm_query("a", schema={"type": "string"}, images=[b"${PNG}1"])\nprint(r)`;
    const { input, waiting } = await session.wait(code);
    const other = await openTestRepl(store);
    try {
      const { calls } = await session.round(waiting);
      const outcome = await session.deliver(input, waiting, calls, {
        run: (next) => other.runStep(next),
      });
      expect(outcome).toMatchObject({
        kind: 'finished',
        way: 'replayed',
        stdout: { text: 're a\n' },
      });
    } finally {
      await other.dispose();
    }
  });
});
