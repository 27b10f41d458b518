import { readLeb, writeLeb } from './leb128.ts';

const HEADER_BYTES = 8;
const NO_LOCALS = 0;
const SECTION = { imports: 2, functions: 3, exports: 7, code: 10 } as const;
const KIND = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;
const OP = {
  end: 0x0b,
  call: 0x10,
  localGet: 0x20,
  globalGet: 0x23,
  globalSet: 0x24,
  i32Const: 0x41,
  i32Add: 0x6a,
  i32Sub: 0x6b,
} as const;
/** Larger numbers of bytes would need a signed encoding of two bytes. */
const MOST_BYTES = 63;

/**
 * The same module, in which each activation of an exported function of one parameter and no result takes `bytes` of the
 * stack in linear memory: its code moves to a new function, which a short one in its place calls. Throws when the
 * module is not as expected.
 */
export function withStackUse(wasm: Uint8Array, name: string, bytes: number): Uint8Array {
  if (bytes % 16 !== 0 || bytes > MOST_BYTES) throw new RangeError(`cannot take ${bytes} bytes`);
  const sections = sectionsOf(wasm);
  const exported = exportsOf(wasm, find(sections, SECTION.exports));
  const index = exported.get(`${KIND.function} ${name}`);
  const pointer = exported.get(`${KIND.global} __stack_pointer`);
  if (index === undefined || pointer === undefined) {
    throw new Error(`the WebAssembly module does not export ${name} and its stack pointer`);
  }
  const own = index - importedFunctions(wasm, find(sections, SECTION.imports));
  const functions = entriesOf(
    wasm,
    find(sections, SECTION.functions),
    (at) => readLeb(wasm, at)[1],
  );
  const code = entriesOf(wasm, find(sections, SECTION.code), (at) => {
    const [size, body] = readLeb(wasm, at);
    return body + size;
  });
  const [type, body] = [functions[own], code[own]];
  if (type === undefined || body === undefined) throw new Error(`${name} has no code`);
  const pointerIndex = writeLeb(pointer);
  const read = [OP.globalGet, ...pointerIndex];
  const write = [OP.globalSet, ...pointerIndex];
  const call = [OP.localGet, 0, OP.call, ...writeLeb(index - own + code.length)];
  const take = [...read, OP.i32Const, bytes, OP.i32Sub, ...write];
  const giveBack = [...read, OP.i32Const, bytes, OP.i32Add, ...write];
  const wrapper = [NO_LOCALS, ...take, ...call, ...giveBack, OP.end];
  const changed = new Map<number, Uint8Array[]>([
    [SECTION.functions, [...functions, type]],
    [
      SECTION.code,
      [...code.with(own, Uint8Array.from([...writeLeb(wrapper.length), ...wrapper])), body],
    ],
  ]);
  return Buffer.concat([
    wasm.subarray(0, HEADER_BYTES),
    ...sections.flatMap(({ id, end, whole }) => {
      const entries = changed.get(id);
      if (entries === undefined) return [wasm.subarray(whole, end)];
      const content = Buffer.concat([Uint8Array.from(writeLeb(entries.length)), ...entries]);
      return [Uint8Array.from([id, ...writeLeb(content.length)]), content];
    }),
  ]);
}

interface Section {
  id: number;
  /** Where it begins, with its head. */
  whole: number;
  start: number;
  end: number;
}

function sectionsOf(wasm: Uint8Array): Section[] {
  const sections: Section[] = [];
  for (let at = HEADER_BYTES; at < wasm.length;) {
    const [size, start] = readLeb(wasm, at + 1);
    sections.push({ id: wasm[at] ?? 0, whole: at, start, end: start + size });
    at = start + size;
  }
  return sections;
}

function find(sections: readonly Section[], id: number): Section {
  const found = sections.find((section) => section.id === id);
  if (found === undefined) throw new Error(`the WebAssembly module has no section ${id}`);
  return found;
}

/** The entries of a section as bytes; `endOf` finds the end of one from its beginning. */
function entriesOf(
  wasm: Uint8Array,
  { start }: Section,
  endOf: (at: number) => number,
): Uint8Array[] {
  const [count, first] = readLeb(wasm, start);
  const entries: Uint8Array[] = [];
  for (let i = 0, at = first; i < count; i++) {
    const end = endOf(at);
    entries.push(wasm.subarray(at, end));
    at = end;
  }
  return entries;
}

function exportsOf(wasm: Uint8Array, { start }: Section): Map<string, number> {
  const [count, first] = readLeb(wasm, start);
  const found = new Map<string, number>();
  for (let i = 0, at = first; i < count; i++) {
    const [length, text] = readLeb(wasm, at);
    const kind = wasm[text + length] ?? 0;
    const [index, next] = readLeb(wasm, text + length + 1);
    found.set(`${kind} ${Buffer.from(wasm.subarray(text, text + length)).toString()}`, index);
    at = next;
  }
  return found;
}

function importedFunctions(wasm: Uint8Array, { start }: Section): number {
  const [count, first] = readLeb(wasm, start);
  const skipText = (at: number): number => {
    const [length, text] = readLeb(wasm, at);
    return text + length;
  };
  const skipLimits = (at: number): number => {
    const [, next] = readLeb(wasm, at + 1);
    return ((wasm[at] ?? 0) & 1) === 1 ? readLeb(wasm, next)[1] : next;
  };
  let functions = 0;
  for (let i = 0, at = first; i < count; i++) {
    const kindAt = skipText(skipText(at));
    const kind = wasm[kindAt];
    if (kind === KIND.function) functions += 1;
    if (kind === KIND.function) at = readLeb(wasm, kindAt + 1)[1];
    else if (kind === KIND.table) at = skipLimits(kindAt + 2);
    else if (kind === KIND.memory) at = skipLimits(kindAt + 1);
    else if (kind === KIND.global) at = kindAt + 3;
    else if (kind === KIND.tag) at = readLeb(wasm, kindAt + 2)[1];
    else throw new Error(`the WebAssembly module imports something of kind ${kind}`);
  }
  return functions;
}
