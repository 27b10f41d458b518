import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CallRequest } from '../../../protocol/index.ts';
import type { Repl } from '../../../repl/index.ts';
import { getJson } from '../../../store/index.ts';
import { memoryStore, openTestRepl, Session } from '../support/session.ts';
import { cellOfJs } from './reach.ts';

const store = memoryStore();
let repl: Repl;
/** Another run in the same host. */
let neighbour: Session;
let pids: number[];

beforeAll(async () => {
  repl = await openTestRepl(store);
  neighbour = new Session(repl, store, 'neighbour');
  await neighbour.run('n = 0');
  pids = repl.hostPids;
});
afterAll(() => repl.dispose());

/** The host is the one from the beginning, and serves the neighbour. */
async function expectUnharmedNeighbour(): Promise<void> {
  expect((await neighbour.run('n += 1\nn > 0')).value).toBe('True');
  expect(repl.hostPids).toEqual(pids);
}

/** What a piece of JavaScript returns. A cell that touched JavaScript leaves no image, so it tells by a call. */
async function js(source: string): Promise<string> {
  const session = new Session(repl, store, 'js');
  const { waiting } = await session.wait(cellOfJs(source, 'llm_query(str(result))'));
  const [call] = (await session.round(waiting)).calls;
  if (call === undefined) throw new Error('no call was made');
  return (await getJson(store, call.request, CallRequest)).prompt;
}

/** Every object that can be reached from the global one, by properties, accessors and prototypes. */
const WALK = String.raw`
  const seen = new Set(), found = [];
  const hostly = /\b(Reference|ExternalCopy|Isolate|Context|Callback|Module|Script|NativeModule|SharedArrayBuffer)\b/;
  const visit = (value, path, depth) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return;
    if (seen.has(value) || depth > 30) return;
    seen.add(value);
    const own = Object.hasOwn(value, 'prototype');
    let tag = '';
    try { tag = Object.prototype.toString.call(value) + ' ' + value.constructor.name } catch {}
    if (!own && hostly.test(tag)) found.push(path);
    if (ArrayBuffer.isView(value)) visit(value.buffer, path + '.buffer', depth + 1);
    for (const key of Reflect.ownKeys(value)) {
      const property = Object.getOwnPropertyDescriptor(value, key);
      if (!property || key === 'constructor') continue;
      for (const part of [property.value, property.get, property.set]) visit(part, path + '.' + String(key), depth + 1);
    }
    visit(Object.getPrototypeOf(value), path + '.__proto__', depth + 1);
  };
  visit(globalThis, 'globalThis', 0);
  return '500 objects or more: ' + (seen.size >= 500) + ', found: ' + found.join();`;

describe('JavaScript inside the isolate', () => {
  test('is reachable from Python: everything below assumes it', async () => {
    expect(await js('return 6 * 7')).toBe('42');
  });

  test('ends the cell: no image holds an object of JavaScript', async () => {
    const session = new Session(repl, store, 'kept');
    await session.run('kept = 41');
    const outcome = await session.rolledBack(cellOfJs('return 1'));
    expect(outcome).toMatchObject({
      reason: 'crash',
      message:
        'The cell was rolled back, all variables are as before it: the cell keeps a JavaScript object, which an image does not hold. Write it in another way.',
    });
    expect((await session.run('kept + 1')).value).toBe('42');
  });

  test('finds no object of the host however it walks the realm', async () => {
    expect(await js(WALK)).toBe('500 objects or more: true, found: ');
    const planted = 'globalThis.planted = { there: new (class Reference {})() };';
    expect(await js(planted + WALK)).toBe(
      '500 objects or more: true, found: globalThis.planted.there,globalThis.planted.there.__proto__',
    );
  });

  test.each([
    ['Node', 'return [typeof process, typeof require, typeof module, typeof Buffer].join()'],
    ['the engine', 'return [typeof py, typeof _env, typeof _main, typeof _asm].join()'],
    ['what loads files', 'return [typeof read, typeof readbuffer, typeof load, typeof os].join()'],
    [
      'memories',
      'return [typeof WebAssembly.Memory, typeof WebAssembly.Module, typeof WebAssembly.Instance, typeof SharedArrayBuffer].join()',
    ],
    [
      'other realms',
      'return [typeof Worker, typeof ShadowRealm, typeof structuredClone, typeof fetch].join()',
    ],
  ])('finds nothing of %s', async (_what, source) => {
    expect(await js(source)).toBe('undefined,undefined,undefined,undefined');
  });

  test('finds no path of the machine in a stack', async () => {
    expect(await js("return new Error('x').stack")).not.toMatch(
      /node_modules|\/home|\/work|repl\//,
    );
  });

  test.each([
    ['the global', 'new ArrayBuffer(8, { maxByteLength: 64 })'],
    [
      'a prototype',
      'new (Object.getPrototypeOf(new Uint8Array(1).buffer).constructor)(8, { maxByteLength: 64 })',
    ],
    ['a subclass', 'new (class extends ArrayBuffer {})(8, { maxByteLength: 64 })'],
    ['Reflect', 'Reflect.construct(ArrayBuffer, [8, { maxByteLength: 64 }])'],
    ['the species', 'new ArrayBuffer[Symbol.species](8, { maxByteLength: 64 })'],
    ['transfer', 'new ArrayBuffer(8).transfer(16)'],
  ])('makes no resizable buffer, which no limit would count: %s', async (_way, source) => {
    expect(await js(`return (${source}).resizable`)).toBe('False');
  });

  test('makes no memory of the kind in which bytes pass to the host, which no limit would count either', async () => {
    // The host's own work on the window gives it away to whoever patched what that work uses.
    const steal = `
      const shared = (value) => Object.prototype.toString.call(value) === '[object SharedArrayBuffer]';
      const { set } = Object.getPrototypeOf(Uint8Array.prototype);
      globalThis.stolen = [];
      Object.getPrototypeOf(Uint8Array.prototype).set = function (...given) {
        if (shared(this.buffer)) stolen.push(this.buffer);
        return set.apply(this, given);
      };`;
    const tried =
      'const [it] = stolen; return [typeof it, it.constructor === Object, typeof it.slice, typeof it.grow, it.growable, typeof SharedArrayBuffer].join()';
    const session = new Session(repl, store, 'window');
    const code = cellOfJs(
      steal,
      `llm_query("x" * 3000)\nllm_query(run_js(${JSON.stringify(tried)}))`,
    );
    const { input, waiting } = await session.wait(code);
    const next = await session.resume(input, waiting);
    if (next.kind !== 'waiting') throw new Error(`the cell ended: ${JSON.stringify(next)}`);
    const [call] = (await session.round(next)).calls;
    expect((await getJson(store, call?.request ?? '', CallRequest)).prompt).toBe(
      'object,true,undefined,function,false,undefined',
    );
  });

  test('leaves no callback that the collector of garbage calls, when no time is limited', async () => {
    expect(await js('return typeof FinalizationRegistry')).toBe('undefined');
  });

  test('gets no more buffers than its limit', async () => {
    const source =
      'const all = []; for (let i = 0; i < 64; i++) { all.push(new ArrayBuffer(2 ** 26)); new Uint8Array(all[i]).fill(1) } return 0';
    expect(await js(source)).toBe('JsException: RangeError: Array buffer allocation failed');
    await expectUnharmedNeighbour();
  });
});

const LOST = 'The cell was rolled back, all variables are as before it: ';

describe('a cell that turns its isolate against the host', () => {
  test.each([
    ['an endless loop', 'for (;;);', 'timeout', 'the compute time of the cell is used up'],
    [
      'an endless microtask',
      'Promise.resolve().then(() => { for (;;); })',
      'timeout',
      'the compute time of the cell is used up',
    ],
    [
      'endless microtasks',
      'const f = () => Promise.resolve().then(f); f()',
      'timeout',
      'the compute time of the cell is used up',
    ],
    [
      'all the memory of the isolate',
      'const a = []; for (;;) a.push(new Array(1e6).fill(1.5))',
      'memory',
      'the cell used more memory than a kernel has outside its heap',
    ],
    [
      'a rejection nobody handles',
      'Promise.reject(new Error("first\\u001b[31m\\nsecond"))',
      'crash',
      'the interpreter ended: first?[31m',
    ],
    ['an import', 'import("node:fs")', 'crash', 'the interpreter ended: Not supported'],
    [
      'texts shorter than they are',
      'const arrays = Object.getPrototypeOf(Uint8Array.prototype), real = arrays.subarray; arrays.subarray = function (from, to) { const part = real.call(this, from, to); return part.length === 101 ? part.slice(1) : part }',
      'crash',
      'a part of the heap does not have the size that was read',
    ],
    [
      'changed pages that are no bytes',
      'const arrays = Object.getPrototypeOf(Uint8Array.prototype), real = Object.getOwnPropertyDescriptor(arrays, "buffer").get; Object.defineProperty(arrays, "buffer", { get() { return this instanceof Uint32Array && this.length < 100_000 ? "text" : real.call(this) } })',
      'crash',
      'the interpreter answered rest with another type',
    ],
  ])('%s', async (_what, source, reason, message) => {
    const session = new Session(repl, store, 'attacker');
    await session.run('kept = 41');
    // What is printed is long enough to be read from the heap.
    const outcome = await session.rolledBack(cellOfJs(source, 'print("x" * 100)'), {
      limits: { computeMs: reason === 'timeout' ? 1500 : 20_000 },
    });
    expect(outcome.reason).toBe(reason);
    expect(outcome.message).toContain(`${LOST}${message}`);
    expect((await session.run('kept + 1')).value).toBe('42');
    await expectUnharmedNeighbour();
  });

  test.each([
    [
      'a heap of another size',
      'Object.defineProperty(ArrayBuffer.prototype, "byteLength", { get: () => 2 ** 38 })',
    ],
    [
      'a heap of no size',
      'Object.defineProperty(ArrayBuffer.prototype, "byteLength", { get: () => NaN })',
    ],
    ['no changed pages', 'Object.getPrototypeOf(Uint8Array.prototype).set = () => {}'],
    [
      'wild pages',
      'Object.getPrototypeOf(Uint8Array.prototype).set = function () { this.fill(255) }',
    ],
    ['files that are none', 'JSON.stringify = () => "x".repeat(1e6)'],
  ])('%s: whatever comes of its own run, others go on', async (_what, source) => {
    const session = new Session(repl, store, 'forger');
    await session.run('kept = 41');
    const before = session.image;
    await session.outcome(cellOfJs(source, 'open("f", "w").write("x")'), {
      limits: { computeMs: 3000 },
    });
    await expectUnharmedNeighbour();
    // Its earlier images stay good.
    const again = new Session(repl, store, 'again');
    again.image = before;
    expect((await again.run('kept + 1')).value).toBe('42');
  });
});

describe('an error whose getters never end, which no limit of the engine reaches', () => {
  test('costs its run the cell, and the host its life; others go on from their images', async () => {
    const session = new Session(repl, store, 'stuck');
    await session.run('kept = 41');
    await neighbour.run('n = 7');
    const outcome = await session.rolledBack(
      cellOfJs('Promise.reject({ get message() { for (;;); }, get stack() { for (;;); } })'),
      { limits: { computeMs: 500 } },
    );
    expect(outcome.reason).toBe('timeout');
    const attempt = async (): Promise<string | null> => (await neighbour.run('n')).value;
    // The first attempt may still talk to the host that is about to end.
    expect(await attempt().catch(attempt)).toBe('7');
    expect((await session.run('kept + 1')).value).toBe('42');
  });
});
