import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CellLimits } from '../../../protocol/index.ts';
import type { Repl } from '../../../repl/index.ts';
import { memoryStore, openTestRepl, type Ran, Session } from '../support/session.ts';

/**
 * Where a cell meets a limit must not depend on the machine's state: V8 first runs WebAssembly as its quick compiler
 * made it, with large frames, and later as its good one did, with small ones; and a kernel that was used before has
 * another history than one that was restored.
 */
const store = memoryStore();
/** Runs every cell first in a kernel that has lived. */
let used: Repl;
/** Runs them as its first ones. */
let fresh: Repl;

const WORK = `import json, pickle
from concurrent.futures import ThreadPoolExecutor
x = ()
for _ in range(20_000): x = (x, [x])
x = [json.loads(json.dumps({"k": list(range(50))})) for _ in range(2000)]
x = sorted(repr(x)), pickle.loads(pickle.dumps(x))
with ThreadPoolExecutor() as pool: list(pool.map(llm_query, "abcdefgh"))
x = [bytes(10**6) for _ in range(60)]
x = pool = None`;

beforeAll(async () => {
  used = await openTestRepl(store);
  fresh = await openTestRepl(store);
  const other = new Session(used, store, 'another run');
  for (let i = 0; i < 3; i++) await other.run(WORK);
}, 180_000);
afterAll(async () => {
  await used.dispose();
  await fresh.dispose();
});

const NEST = (kind: string, depth: number): string =>
  `x = ()\nfor _ in range(${depth}): x = ${kind}\n`;
/** The depth to which it goes: found by halves. */
const DEEPEST = (attempt: string): string => `${attempt}
low, high = 1, 100_000
while high - low > 1:
    middle = (low + high) // 2
    try: attempt(middle); low = middle
    except (RecursionError, MemoryError): high = middle
low`;
const FILL = `def fill():
    n, held = 0, []
    try:
        while True: held.append(bytes(100_000)); n += 1
    except MemoryError: return n
`;

const CELLS: ReadonlyArray<[what: string, code: string, limits?: Partial<CellLimits>]> = [
  [
    'isinstance',
    DEEPEST(
      'def attempt(n):\n    x = (int,)\n    for _ in range(n): x = (x,)\n    isinstance("", x)',
    ),
  ],
  ['json.loads', DEEPEST('import json\ndef attempt(n): json.loads("[" * n + "]" * n)')],
  [
    'pickle.dumps',
    DEEPEST(
      'import pickle\ndef attempt(n):\n    x = []\n    for _ in range(n): x = [x]\n    pickle.dumps(x)',
    ),
  ],
  ['the compiler', DEEPEST('def attempt(n): eval("+".join(["1"] * n))')],
  [
    'comparison in a thread',
    DEEPEST(`import threading
def attempt(n):
    x, y, failed = [], [], []
    for _ in range(n): x, y = [x], [y]
    def compare():
        try: x == y
        except RecursionError as error: failed.append(type(error))
    t = threading.Thread(target=compare); t.start(); t.join()
    if failed: raise failed[0]`),
  ],
  [
    'Python functions that call C that calls Python',
    DEEPEST('def f(n): return n and max([n], key=lambda m: f(m - 1))\ndef attempt(n): f(n)'),
  ],
  ['the end of nested tuples', `${NEST('(x,)', 300_000)}x = None\n"gone"`],
  ['the end of nested lists', `${NEST('[x]', 300_000)}x = None\n"gone"`],
  [
    'the end of nested tuples in a thread',
    `${NEST('(x,)', 300_000)}import threading
def drop():
    global x
    x = None
t = threading.Thread(target=drop); t.start(); t.join()
"gone"`,
  ],
  ['memory', `${FILL}fill()`, { heapMiB: 80 }],
  [
    'memory beside stacks that wait',
    `${FILL}from concurrent.futures import ThreadPoolExecutor
def one(i):
    llm_query(str(i))
    return fill()
with ThreadPoolExecutor() as pool: r = list(pool.map(one, range(70)))
sorted(set(r))`,
    { heapMiB: 96 },
  ],
  [
    'cycles with finalizers',
    `import gc, weakref
log = []
class Node:
    def __init__(self, n): self.n, self.me = n, self
    def __del__(self): log.append(self.n)
alive = [weakref.ref(Node(i), lambda r: log.append(-1)) for i in range(3000)]
gc.collect(), len(log), log[:3], log[-3:], sum(r() is not None for r in alive)`,
  ],
];

describe('a limit comes at the same place', () => {
  test.each(CELLS)(
    '%s',
    async (_what, code, limits = {}) => {
      const told: Ran[] = [];
      for (const repl of [used, fresh]) {
        const session = new Session(repl, store, 'depths');
        await session.run('kept = 41');
        told.push(await session.run(code, { limits: { computeMs: 60_000, ...limits } }));
        // The other host restores what this one left.
        session.repl = repl === used ? fresh : used;
        expect((await session.run('kept + 1')).value).toBe('42');
      }
      const [first, second] = told;
      expect(first?.error).toBeNull();
      expect(second?.value).toBe(first?.value);
      expect(second?.image.heapDigest).toBe(first?.image.heapDigest);
    },
    180_000,
  );
});
