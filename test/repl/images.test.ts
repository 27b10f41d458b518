import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { HeapImageRef } from '../../protocol/index.ts';
import { ImageIncompatible, type Repl } from '../../repl/index.ts';
import { decodeHeader } from '../../repl/image/image-format.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

const store = memoryStore();
let here: Repl;
let elsewhere: Repl;

beforeAll(async () => {
  [here, elsewhere] = await Promise.all([openTestRepl(store), openTestRepl(store)]);
});
afterAll(async () => {
  await Promise.all([here.dispose(), elsewhere.dispose()]);
});

async function chainOf(image: HeapImageRef): Promise<number> {
  let length = 0;
  for (let at: string | null = image.blob; at !== null && at !== here.base.blob; length++) {
    at = decodeHeader(await store.blobs.get(at)).header.parent;
  }
  return length;
}

/** Runs the same cell on both, from the living kernel and from a restored one, and compares what comes out. */
async function sameElsewhere(session: Session, code: string): Promise<string | null> {
  const { workflowId, image } = session;
  const other = session.fork(elsewhere, `${workflowId} elsewhere ${image.heapDigest}`);
  const clockMs = Date.UTC(2027, 0, 1);
  const ran = await session.run(code, { clockMs });
  const again = await other.run(code, { clockMs });
  expect(again.traceback).toBe(ran.traceback);
  expect(again.value).toBe(ran.value);
  expect(again.image.heapDigest).toBe(ran.image.heapDigest);
  return ran.value;
}

describe('an image', () => {
  test('restores what lives in the heap: generators, closures, classes, patterns, iterators, open databases', async () => {
    const session = new Session(here, store, 'heap');
    await session.run(`
import re, sqlite3, hashlib, zlib, collections, itertools, decimal, enum, dataclasses, threading, io, weakref
def numbers():
    n = 0
    while True:
        n += 1
        yield n
stream = numbers(); next(stream); next(stream)
def counter():
    total = 0
    def add(x):
        nonlocal total
        total += x
        return total
    return add
add = counter(); add(5)
@dataclasses.dataclass
class Clause:
    text: str
clause = Clause("x")
pattern = re.compile(r"a(b+)")
digest = hashlib.sha256(b"half")
squeeze = zlib.compressobj(); squeezed = squeeze.compress(b"abc" * 1000)
db = sqlite3.connect(":memory:"); db.execute("create table t(a)"); db.executemany("insert into t values (?)", [(i,) for i in range(10)])
cursor = db.execute("select a from t order by a"); cursor.fetchone()
lock = threading.RLock(); lock.acquire()
try: 1/0
except ZeroDivisionError as e: saved = e
class Node: pass
node = Node(); ref = weakref.ref(node)
iterator = iter([1, 2, 3]); next(iterator)
`);
    const image = session.image;
    const other = new Session(elsewhere, store, 'heap elsewhere');
    other.image = image;
    const ran = await other.run(
      'digest.update(b"x"); (next(stream), add(1), clause, pattern.findall("xabbb"), digest.hexdigest()[:8], zlib.decompress(squeezed + squeeze.flush())[:3], cursor.fetchone(), lock._is_owned(), type(saved).__name__, saved.__traceback__.tb_lineno > 0, ref() is node, list(iterator))',
    );
    expect(ran.value).toBe(
      `(3, 6, Clause(text='x'), ['bbb'], '${(await session.run('hashlib.sha256(b"halfx").hexdigest()[:8]')).value?.slice(1, -1)}', b'abc', (1,), True, 'ZeroDivisionError', True, True, [2, 3])`,
    );
  });

  test('restores files, open descriptors, offsets, unlinked files, links and the working directory', async () => {
    const session = new Session(here, store, 'files');
    await session.run(`
import os, tempfile, sqlite3
os.makedirs("/data/deep"); os.chdir("/data/deep")
open("a.txt", "w").write("hello world")
os.symlink("a.txt", "link"); os.chmod("a.txt", 0o640)
f = open("a.txt"); f.read(6)
fd = os.open("raw.bin", os.O_RDWR | os.O_CREAT); os.write(fd, b"0123456789"); os.lseek(fd, 3, 0)
twin = os.dup(fd)
gone = open("gone.txt", "w+"); gone.write("still here"); gone.flush(); os.unlink("gone.txt"); gone.seek(0)
db = sqlite3.connect("file.db"); db.execute("create table t(a)"); db.commit()
os.utime("a.txt", (1, 2))
inode = os.stat("a.txt").st_ino`);
    const check = `(os.getcwd(), f.read(), os.read(fd, 2), os.read(twin, 2), gone.read(), os.path.exists("gone.txt"), open("link").read(), oct(os.stat("a.txt").st_mode), os.stat("a.txt").st_mtime, os.stat("a.txt").st_ino == inode, db.execute("insert into t values (1)").rowcount, sorted(os.listdir()))`;
    expect(await sameElsewhere(session, check)).toBe(
      `('/data/deep', 'world', b'34', b'56', 'still here', False, 'hello world', '0o100640', 2.0, True, 1, ['a.txt', 'file.db', 'file.db-journal', 'link', 'raw.bin'])`,
    );
    await session.run('os.remove("a.txt"); os.rename("raw.bin", "moved.bin")');
    expect(await sameElsewhere(session, 'sorted(os.listdir())')).toBe(
      "['file.db', 'file.db-journal', 'link', 'moved.bin']",
    );
  });

  test('chains of small steps restore from at most 8 blobs, to the same heap, at every length', async () => {
    const session = new Session(here, store, 'chain');
    let stored = 0;
    for (let i = 0; i < 40; i++) {
      const { image } = await session.run(`x = ${i}\nseen = globals().get("seen", []) + [x]`);
      stored += image.storedBytes;
      expect(await chainOf(image)).toBeLessThanOrEqual(8);
      if (i % 7 === 0) expect(await sameElsewhere(session, 'len(seen)')).toBe(String(i + 1));
    }
    expect(stored / 40).toBeLessThan(32_000);
  });

  test('the same step gives the same heap digest after a restore as in the living kernel', async () => {
    const session = new Session(here, store, 'same');
    await session.run(
      'import collections\nc = collections.Counter("some words here".split())\nbig = ["x" * 100 for _ in range(20000)]',
    );
    await sameElsewhere(session, 'big.pop(); y = sorted(c)');
  });

  test('of a heap several times the size of the base restores to the same heap', async () => {
    const session = new Session(here, store, 'large');
    await session.run(
      'import random\nheld = random.randbytes(20 * 2**20)\nmany = list(range(10**6))',
    );
    expect(await sameElsewhere(session, 'del held\nsum(many)')).toBe('499999500000');
    expect(await sameElsewhere(session, 'many[7] = "x"; len(many)')).toBe('1000000');
  });

  test('pipes and sockets end with their cell, in the living kernel too', async () => {
    const session = new Session(here, store, 'pipes');
    await session.run('import os\nr, w = os.pipe()\nos.write(w, b"x"), os.read(r, 1)');
    const gone = 'try: os.read(r, 1)\nexcept OSError as error: print(error)';
    expect((await session.run(gone)).stdout).toBe('[Errno 8] Bad file descriptor\n');
    await session.run('import socket\ns = socket.socket()');
    await sameElsewhere(session, 'next_one = open("/tmp/file", "w").fileno()\nnext_one');
    await sameElsewhere(session, 'os.pipe()');
  });

  test('of another runtime is refused by name', async () => {
    const session = new Session(here, store, 'stranger');
    await session.run('x = 1');
    const blob = await store.blobs.get(session.image.blob);
    const stranger = Buffer.from(
      blob.toString('latin1').replace(here.runtime, here.runtime.replace('cpython3', 'cpython9')),
      'latin1',
    );
    const { digest } = await store.blobs.put(stranger);
    session.image = { ...session.image, blob: digest };
    // Another workflow, so that no resting kernel is found.
    session.workflowId = 'stranger 2';
    await expect(session.run('x')).rejects.toThrow(
      new ImageIncompatible(
        `image ${digest} belongs to runtime ${here.runtime.replace('cpython3', 'cpython9')}; this one is ${here.runtime}`,
      ),
    );
    const input = await session.input('x');
    await expect(here.runStep({ ...input, runtime: 'other' })).rejects.toThrow(
      new ImageIncompatible(`the step belongs to runtime other; this one is ${here.runtime}`),
    );
  });

  test('that is none, of an unknown version, or damaged is refused', async () => {
    const session = new Session(here, store, 'damaged');
    await session.run('x = 1');
    const good = await store.blobs.get(session.image.blob);
    session.workflowId = 'damaged 2';
    const version = Buffer.from(good);
    version.writeUInt32LE(99, 8);
    for (const [bytes, why] of [
      [Buffer.from('not an image at all'), 'it is no heap image'],
      [version, 'its format version is 99; this program reads 1'],
      [
        good.subarray(0, good.length - 1),
        'its header is damaged: its length is not that of its header',
      ],
    ] as const) {
      const { digest } = await store.blobs.put(bytes);
      session.image = { ...session.image, blob: digest };
      await expect(session.run('x')).rejects.toThrow(
        new ImageIncompatible(`image ${digest} cannot be read: ${why}`),
      );
    }
  });

  test('whose heap is not what its ref says is never used', async () => {
    const session = new Session(here, store, 'mismatch');
    await session.run('x = 1');
    session.workflowId = 'mismatch 2';
    session.image = { ...session.image, heapDigest: `sha256:${'1'.repeat(64)}` };
    await expect(session.run('x')).rejects.toThrow(
      /^image sha256:[0-9a-f]{64} could not be restored: the restored heap is sha256:[0-9a-f]{64}, the image says sha256:1{64}$/,
    );
  });
});
