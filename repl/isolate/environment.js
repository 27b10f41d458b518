/* oxlint-disable no-underscore-dangle, unicorn/consistent-function-scoping, typescript/no-floating-promises -- a script for a realm of its own, whose globals and Pyodide's internals are named so */
// Runs first in a fresh isolate: what Pyodide's "shell" environment expects, in pure JavaScript, with a virtual clock
// and seeded entropy. Everything closes over its state; the functions that move clock and entropy leave through `_env`,
// which kernel.js takes and deletes.
'use strict';
globalThis.self = globalThis;
(() => {
  const fromCharCode = String.fromCharCode;

  class TextDecoder {
    constructor(label = 'utf-8', options) {
      this.encoding = label.toLowerCase();
      this.fatal = Boolean(options && options.fatal);
    }
    decode(input) {
      if (!input) return '';
      const bytes =
        input instanceof ArrayBuffer
          ? new Uint8Array(input)
          : new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
      if (this.encoding.startsWith('utf-16')) {
        let text = '';
        for (let i = 0; i + 1 < bytes.length; i += 2)
          text += fromCharCode(bytes[i] | (bytes[i + 1] << 8));
        return text;
      }
      if (this.encoding === 'latin1') {
        let text = '';
        for (const byte of bytes) text += fromCharCode(byte);
        return text;
      }
      return decodeUtf8(bytes, this.fatal);
    }
  }

  function decodeUtf8(bytes, fatal) {
    const parts = [];
    let units = [];
    const bad = () => {
      if (fatal) throw new TypeError('invalid utf-8');
      units.push(0xfffd);
    };
    for (let i = 0; i < bytes.length;) {
      const lead = bytes[i++];
      if (lead < 0x80) units.push(lead);
      else {
        let more = 0;
        let low = 0x80;
        let high = 0xbf;
        let code = 0;
        if (lead >= 0xc2 && lead <= 0xdf) [more, code] = [1, lead & 31];
        else if (lead >= 0xe0 && lead <= 0xef) {
          [more, code] = [2, lead & 15];
          if (lead === 0xe0) low = 0xa0;
          if (lead === 0xed) high = 0x9f;
        } else if (lead >= 0xf0 && lead <= 0xf4) {
          [more, code] = [3, lead & 7];
          if (lead === 0xf0) low = 0x90;
          if (lead === 0xf4) high = 0x8f;
        }
        let whole = more > 0;
        for (; whole && more > 0; more--) {
          if (i >= bytes.length || bytes[i] < low || bytes[i] > high) whole = false;
          else code = (code << 6) | (bytes[i++] & 63);
          low = 0x80;
          high = 0xbf;
        }
        if (!whole) bad();
        else if (code > 0xffff) {
          code -= 0x10000;
          units.push(0xd800 + (code >> 10), 0xdc00 + (code & 1023));
        } else units.push(code);
      }
      if (units.length > 8192) {
        parts.push(fromCharCode.apply(null, units));
        units = [];
      }
    }
    parts.push(fromCharCode.apply(null, units));
    return parts.join('');
  }

  class TextEncoder {
    get encoding() {
      return 'utf-8';
    }
    encode(text) {
      const source = String(text);
      const bytes = new Uint8Array(source.length * 3);
      return bytes.slice(0, this.encodeInto(source, bytes).written);
    }
    encodeInto(text, target) {
      let written = 0;
      let read = 0;
      for (; read < text.length; read++) {
        let code = text.codePointAt(read);
        if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
        const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        if (written + size > target.length) break;
        if (size === 1) target[written++] = code;
        else {
          target[written++] =
            (size === 2 ? 0xc0 : size === 3 ? 0xe0 : 0xf0) | (code >> (6 * (size - 1)));
          for (let shift = 6 * (size - 2); shift >= 0; shift -= 6)
            target[written++] = 0x80 | ((code >> shift) & 63);
        }
        if (size === 4) read++;
      }
      return { read, written };
    }
  }
  globalThis.TextDecoder = TextDecoder;
  globalThis.TextEncoder = TextEncoder;

  // The clock, in ms since the epoch. Each reading takes a microsecond, so that time always moves; nothing else does.
  const ORIGIN_MS = 1.7e12;
  let clockMs = ORIGIN_MS;
  const RealDate = Date;
  const read = () => (clockMs += 0.001);
  const setClock = (ms) => {
    if (ms > clockMs) clockMs = ms;
  };
  const startClock = (ms) => {
    clockMs = ms;
  };
  const clock = () => clockMs;
  class VirtualDate extends RealDate {
    constructor(...args) {
      if (args.length === 0) super(Math.floor(read()));
      else super(...args);
    }
    static now() {
      return Math.floor(read());
    }
  }
  globalThis.Date = VirtualDate;
  // Monotonic time is the same clock: whatever time a run is given, it is not negative.
  globalThis.performance = { now: read };

  // Entropy: ChaCha20 keyed per cell.
  const state = new Uint32Array(16);
  const block = new Uint32Array(16);
  const stream = new Uint8Array(block.buffer);
  let used = 64;
  const seed = (hex) => {
    state.set([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
    for (let i = 0; i < 8; i++) state[4 + i] = parseInt(hex.slice(8 * i, 8 * i + 8), 16);
    state.fill(0, 12);
    used = 64;
  };
  const rotate = (x, n) => (x << n) | (x >>> (32 - n));
  const quarter = (a, b, c, d) => {
    block[a] += block[b];
    block[d] = rotate(block[d] ^ block[a], 16);
    block[c] += block[d];
    block[b] = rotate(block[b] ^ block[c], 12);
    block[a] += block[b];
    block[d] = rotate(block[d] ^ block[a], 8);
    block[c] += block[d];
    block[b] = rotate(block[b] ^ block[c], 7);
  };
  const refill = () => {
    block.set(state);
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 4; i++) quarter(i, 4 + i, 8 + i, 12 + i);
      for (let i = 0; i < 4; i++)
        quarter(i, 4 + ((i + 1) & 3), 8 + ((i + 2) & 3), 12 + ((i + 3) & 3));
    }
    for (let i = 0; i < 16; i++) block[i] += state[i];
    if (++state[12] === 0) state[13]++;
    used = 0;
  };
  const byte = () => {
    if (used === 64) refill();
    return stream[used++];
  };
  const fill = (view) => {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    for (let i = 0; i < bytes.length; i++) bytes[i] = byte();
    return view;
  };
  seed('0'.repeat(64));
  Math.random = () => (byte() * 0x1000000 + (byte() << 16) + (byte() << 8) + byte()) / 0x100000000;
  globalThis.crypto = { getRandomValues: fill };
  // Bytes written straight to the descriptors 1 and 2, beside Python's own streams.
  const RAW_CAP = 1 << 16;
  const raw = { 1: [], 2: [] };
  const writer = (fd) => (bytes) => {
    const room = RAW_CAP - raw[fd].length;
    if (room > 0) for (const value of bytes.subarray(0, room)) raw[fd].push(value);
    return bytes.length;
  };
  const takeRaw = (fd) => {
    const text = decodeUtf8(raw[fd], false);
    raw[fd].length = 0;
    return text;
  };

  globalThis.read = (path) => _read(path);
  globalThis.readbuffer = (path) => _readBuffer(path);
  globalThis.load = () => {
    throw new Error('load');
  };
  const log = (...args) => _log(args.map((x) => String((x && x.stack) || x)).join(' '));
  globalThis.console = { log, warn: log, error: log, debug() {}, info() {} };
  // Timers have no duration here: time is virtual, and Python's own timers live in its scheduler.
  globalThis.setTimeout = (f) => {
    Promise.resolve().then(() => f());
    return 1;
  };
  globalThis.clearTimeout = () => {};
  globalThis.setInterval = () => 0;
  globalThis.clearInterval = () => {};
  globalThis.queueMicrotask = (f) => Promise.resolve().then(f);
  globalThis.AbortController = class {
    constructor() {
      this.signal = { addEventListener() {}, aborted: false };
    }
    abort() {}
  };
  globalThis.location = 'file:///';

  // isolated-vm never resolves asynchronous compilation: compile synchronously, and share the module of the first isolate.
  const captured = {};
  WebAssembly.compile = async (bytes) => new WebAssembly.Module(bytes);
  WebAssembly.instantiate = async (source, imports) => {
    if (source instanceof WebAssembly.Module) return new WebAssembly.Instance(source, imports);
    const main = source.byteLength > 1e6;
    const module =
      main && globalThis._compiled ? globalThis._compiled : new WebAssembly.Module(source);
    const instance = new WebAssembly.Instance(module, imports);
    if (main) Object.assign(captured, { module, instance });
    return { module, instance };
  };

  globalThis._env = { captured, seed, clock, startClock, setClock, takeRaw, writer, ORIGIN_MS };
})();
