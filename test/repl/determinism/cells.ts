import fc from 'fast-check';

/** Cells that a property test is made of: each a few lines that touch one kind of state, with generated numbers in it. */
const number = fc.integer({ min: 0, max: 60 });
const name = fc.constantFrom('a', 'b', 'c');
const text = fc
  .string({ unit: 'grapheme', maxLength: 12 })
  .map((value) => JSON.stringify(value.toWellFormed()));

const line = (make: (n: number, v: string, t: string) => string): fc.Arbitrary<string> =>
  fc.tuple(number, name, text).map(([n, v, t]) => make(n, v, t));

/** Cells without calls. */
const PLAIN: ReadonlyArray<fc.Arbitrary<string>> = [
  line((n, v) => `${v} = []\nfor i in range(${n * 40}): ${v} = [${v}, i]`),
  line((n, v) => `${v} = {}\nfor i in range(${n * 5}): ${v} = {"k%d" % i: ${v}, "s": {i, str(i)}}`),
  line(
    (n, v, t) =>
      `class C${n}:\n    def __init__(self): self.x = ${t}\n    def __repr__(self): return self.x\n${v} = [C${n}() for _ in range(${n})]`,
  ),
  line(
    (n, v) =>
      `def _g(k):\n    while True: k += 1; yield k\n${v} = _g(${n})\nprint(next(${v}), next(${v}))`,
  ),
  line(
    (n, v) =>
      `try: ${v} = next(${v})\nexcept BaseException as e: print(type(e).__name__)\n${v} = ${n}`,
  ),
  line(
    (n, v, t) =>
      `f = open("f${n % 4}.txt", "a+")\nf.write(${t} * ${n}); f.flush(); f.seek(0)\n${v} = f.read()[-50:]`,
  ),
  line(
    (n) =>
      `import os\nos.makedirs("d/${n % 5}", exist_ok=True)\nos.chdir("/tmp" if ${n % 2} else "/home/pyodide")\nos.listdir("/home/pyodide"), os.getcwd()`,
  ),
  line(
    (n, v) =>
      `import random\n${v} = [random.random() for _ in range(${n})] + random.sample(range(99), ${n})\n${v}[-3:]`,
  ),
  line((n) => `import random\nrandom.seed(${n})\nrandom.gauss(0, 1)`),
  line(
    (_n, v) =>
      `import uuid, secrets, os\n${v} = (uuid.uuid4(), uuid.uuid1(), secrets.token_hex(8), os.urandom(9))\n${v}`,
  ),
  line(
    (_n, v) =>
      `import time, datetime\n${v} = (time.time(), time.monotonic(), time.perf_counter(), datetime.datetime.now(), time.tzname, time.localtime())\n${v}`,
  ),
  line((n) => `import time\ntime.sleep(${n} / 7)\ntime.time_ns()`),
  line(
    (n, v, t) =>
      `${v} = {hash(${t} + str(i)) for i in range(${n})}\nprint(list(${v})[:5], id(${v}))`,
  ),
  line((n) => `def f(k): return 1 / 0 if k == 0 else f(k - 1)\nf(${n})`),
  line((n, v) => `del ${v}` + (n % 2 ? '\nimport gc; gc.collect()' : '')),
  line((n, v) => `${v} = "x" * (${n} * 10_000)\nlen(${v})`),
  line(
    (n, v) =>
      `${v} = ()\nfor _ in range(${n} * 800): ${v} = (${v},) if _ % 2 else [${v}]\ntry: print(len(repr(${v})))\nexcept RecursionError as e: print(e)`,
  ),
  line(
    (n, v) =>
      `import json, ast\ntry: ${v} = len(json.dumps(json.loads("[" * ${n * 900} + "]" * ${n * 900})))\nexcept RecursionError as e: print(e)\ntry: ast.dump(ast.parse("-" * ${n * 90} + "1"))\nexcept (RecursionError, MemoryError) as e: print(type(e), e)`,
  ),
  line(
    (n, v) =>
      `def walk(k):\n    if k: yield from walk(k - 1)\n    yield k\n${v} = walk(${n * 9})\nprint(next(${v}))\nimport itertools\nx = iter([1])\nfor _ in range(${n * 50}): x = itertools.chain(x)\nlist(x)`,
  ),
  line(
    (n, v) =>
      `import gc\nclass F:\n    def __init__(self): self.me = self\n    def __del__(self): seen.append(id(self) % 97)\nseen = []\n${v} = [F() for _ in range(${n * 3})]\ndel ${v}[::2]\nprint(gc.collect(), len(seen), seen[:4])`,
  ),
  line(
    (n, v) =>
      `try:\n    try: {}["k${n}"]\n    except KeyError as e: raise ValueError(${n}) from e\nexcept ValueError as e: ${v} = e\n${v}.__traceback__.tb_lineno, ${v}.__cause__`,
  ),
  line(
    (n, v) =>
      `import csv, io, zlib, re, array, struct\nout = io.StringIO(); csv.writer(out).writerows([i, i * i] for i in range(${n}))\n${v} = zlib.compressobj(); ${v}.compress(out.getvalue().encode())\n(7 ** (${n} * 40)) % 1009, re.sub(r"(\\d)(?=\\d)", r"\\1,", str(3 ** ${n})), array.array("d", [${n} / 7]).tobytes().hex(), struct.pack("<hq", 1, ${n})`,
  ),
  line(
    (n, v) =>
      `${v} = {object() for _ in range(${n})}\nprint([id(o) % 1000 for o in ${v}][:5], [hash(t) % 1000 for t in (("a", ${n}), frozenset("abc"), 1.5, None)])`,
  ),
  line(
    (n, v, t) =>
      `import json, re, hashlib, zlib\n${v} = hashlib.sha256(json.dumps([${t}] * ${n}).encode())\nzlib.crc32(${v}.digest()), re.findall("[a-z]+", ${t})`,
  ),
  line(
    (n, v) =>
      `import weakref\nclass W: pass\nfor _ in range(${n * 20}):\n    w = W(); w.me = w; r = weakref.ref(w)\n${v} = r`,
  ),
  line(
    (n, v) =>
      `import sqlite3\n${v} = sqlite3.connect(":memory:")\n${v}.execute("create table t as select randomblob(4) x, ${n} n")\n${v}.execute("select hex(x), n from t").fetchall()`,
  ),
  line(
    (n, v) =>
      `import logging, io, decimal, functools\n${v} = functools.lru_cache(lambda k: decimal.Decimal(k) / 7)\nprint(*map(${v}, range(${n % 9})))`,
  ),
  line(
    (n) =>
      `import locale, sys, os\nprint(sorted(os.environ), sys.getfilesystemencoding(), f"{${n}:n}", locale.getlocale())`,
  ),
];

/** Cells that wait. */
const CALLING: ReadonlyArray<fc.Arbitrary<string>> = [
  line((n, v, t) => `${v} = llm_query("p" + ${t} + "${n}")\n${v}`),
  line(
    (n, v) =>
      `${v} = llm_query_batched(["q%d" % i for i in range(${(n % 7) + 1})])\n[str(r) for r in ${v}]`,
  ),
  line(
    (n, v) =>
      `from concurrent.futures import ThreadPoolExecutor, as_completed\nwith ThreadPoolExecutor() as pool:\n    fs = [pool.submit(lambda i: llm_query(llm_query("x%d" % i)), i) for i in range(${(n % 5) + 1})]\n    ${v} = [f.result() for f in as_completed(fs)]\nprint(${v})`,
  ),
  line(
    (n, v) =>
      `import asyncio\nasync def one(i):\n    await asyncio.sleep(i / 3)\n    return await llm_query_async("y%d" % i)\n${v} = await asyncio.gather(*[one(i) for i in range(${(n % 5) + 1})])\n${v}`,
  ),
  line(
    (n, v) =>
      `import threading, random\n${v} = []\nts = [threading.Thread(target=lambda i=i: ${v}.append((llm_query("z%d" % i), random.random()))) for i in range(${(n % 4) + 1})]\n[t.start() for t in ts]; [t.join() for t in ts]\n${v}`,
  ),
  line(
    (n, v) =>
      `import asyncio\ntry: ${v} = await asyncio.wait_for(llm_query_async("slow${n}"), ${n} / 20)\nexcept TimeoutError: ${v} = "late"\n${v}`,
  ),
  line(
    (n) =>
      `import uuid, time\nprint(uuid.uuid4(), time.time())\nllm_query("m${n}")\nprint(uuid.uuid4(), time.time())\n1 / 0`,
  ),
];

export interface GeneratedCell {
  code: string;
  /** Which of the calls that wait each delivery takes: the n-th bit for the n-th of them; none set is all. */
  deliveries: number[];
  clockStepMs: number;
}

const plain = fc.oneof(...PLAIN);
const calling = fc.oneof(...CALLING);

export const sessions: fc.Arbitrary<GeneratedCell[]> = fc.array(
  fc.record({
    code: fc.oneof(
      { weight: 3, arbitrary: plain },
      { weight: 2, arbitrary: calling },
      {
        weight: 1,
        arbitrary: fc.tuple(plain, plain).map(([a, b]) => `${a}\n${b}`),
      },
    ),
    deliveries: fc.array(fc.nat({ max: 15 }), { maxLength: 6 }),
    clockStepMs: fc.nat({ max: 5000 }),
  }),
  { minLength: 2, maxLength: 4 },
);
