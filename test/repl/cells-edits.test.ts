import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { getText } from '../../store/index.ts';
import type { Edit } from '../../protocol/index.ts';
import type { Repl } from '../../repl/index.ts';
import { memoryStore, openTestRepl, Session } from './support/session.ts';

const store = memoryStore();
let repl: Repl;
let session: Session;

beforeAll(async () => {
  repl = await openTestRepl(store);
  session = new Session(repl, store);
});
afterAll(() => repl.dispose());

describe('the answer', () => {
  test('is what the dict says; anything but a str is given as JSON', async () => {
    const own = new Session(repl, store, 'answers');
    const state = async (code: string): Promise<unknown> => {
      const { answer } = await own.run(code);
      return [answer.content && (await getText(store, answer.content)), answer.ready];
    };
    expect(await state('1')).toEqual([null, false]);
    expect(await state('answer["content"] = "draft"')).toEqual(['draft', false]);
    expect(await state('answer["content"] = {"a": [1, "é"]}')).toEqual([
      '{\n  "a": [\n    1,\n    "é"\n  ]\n}',
      false,
    ]);
    expect(await state('FINAL("done")')).toEqual(['done', true]);
    expect(
      await state('answer["ready"] = False\nreport = "from a variable"\nFINAL_VAR("report")'),
    ).toEqual(['from a variable', true]);
    expect(await state('SUBMIT(name="x", total=3)')).toEqual([
      '{\n  "name": "x",\n  "total": 3\n}',
      true,
    ]);
  });

  test('an answer that was rebound becomes the draft, and the model is told', async () => {
    const own = new Session(repl, store, 'rebound');
    const ran = await own.run('answer = "my text"');
    expect(ran.stderr).toBe(
      '[answer is a dict: your value was put into answer["content"]; set answer["ready"] = True when it is final]\n',
    );
    expect((await own.run('answer')).value).toBe("{'content': 'my text', 'ready': False}");
  });

  test.each([
    ['True', true],
    ['1', true],
    ['2', true],
    ['"true"', true],
    ['" True\\n"', true],
    ['0', false],
    ['None', false],
    ['"False"', false],
    ['""', false],
  ])(
    'is ready or not by what stands for True or False, without a word: %s',
    async (value, ready) => {
      const own = new Session(repl, store, `ready ${value}`);
      const ran = await own.run(`answer.update(content="x", ready=${value})`);
      expect([ran.answer.ready, ran.stderr]).toEqual([ready, '']);
      // A bool from then on, so that code that reads it back is not misled.
      expect((await own.run('answer["ready"]')).value).toBe(ready ? 'True' : 'False');
    },
  );

  test.each([
    ['"yes"', "'yes'"],
    ['"x" * 500', `'${'x'.repeat(40)}'…`],
    ['1.0', '1.0'],
    ['[True]', '[True]'],
    ['type("Own", (int,), {"__eq__": lambda s, o: 1 / 0})(1)', '<Own>'],
  ])('is not ready by anything else, and the model is told so: %s', async (value, shown) => {
    const own = new Session(repl, store, `not ready ${value}`);
    const ran = await own.run(`answer.update(content="x", ready=${value})`);
    expect(ran.answer).toMatchObject({ content: { text: 'x' }, ready: false });
    expect(ran.stderr).toBe(
      `[answer["ready"] was ${shown}, which is neither True nor False, and is False now; set answer["ready"] = True when the answer is final]\n`,
    );
    expect(await own.run('answer["ready"]')).toMatchObject({ value: 'False', stderr: '' });
  });

  test('of a class that fails at everything is told by its name', async () => {
    const own = new Session(repl, store, 'failing answer');
    const { answer } = await own.run(
      'class Bad:\n    __class__ = property(lambda s: 1 / 0)\n    __str__ = __repr__ = lambda s: 1 / 0\nFINAL(Bad())',
    );
    expect(answer).toMatchObject({ content: { text: '<Bad>' }, ready: true });
  });

  test('FINAL_VAR of an unknown name says what to do', async () => {
    expect((await session.run('FINAL_VAR("nothing_here")')).error?.message).toBe(
      "FINAL_VAR: there is no variable 'nothing_here'; SHOW_VARS() lists them, FINAL(text) takes a text",
    );
  });
});

describe('edits', () => {
  test('are applied in order before the code', async () => {
    const own = new Session(repl, store, 'edits');
    const json = await store.blobs.put(Buffer.from('{"k": [1, 2]}'));
    const text = await store.blobs.put(Buffer.from('hello'));
    const manifest = await store.blobs.put(
      Buffer.from(
        JSON.stringify({
          entries: [
            { path: ['docs', 'a.txt'], format: 'text', blob: text, chars: 5 },
            { path: ['table'], format: 'json', blob: json, chars: 13 },
          ],
        }),
      ),
    );
    const ran = await own.run('input_data, context is input_data, answer', {
      edits: [
        { kind: 'set', variable: 'gone', format: 'json', blob: json.digest },
        { kind: 'delete', variable: 'gone' },
        { kind: 'setManifest', variable: 'input_data', manifest: manifest.digest },
        { kind: 'setItem', variable: 'answer', key: 'ready', json: 'true' },
      ],
    });
    expect(ran.value).toBe(
      "({'docs': {'a.txt': 'hello'}, 'table': {'k': [1, 2]}}, True, {'content': '', 'ready': True})",
    );
    expect((await own.run('"gone" in globals()')).value).toBe('False');
  });

  test('outputs and messages that the engine keeps are no changes of the cell', async () => {
    const own = new Session(repl, store, 'kept');
    const text = await store.blobs.put(Buffer.from('whole output'));
    const link = await store.blobs.put(Buffer.from('{"messages": [{"role": "user"}, 2]}'));
    const edits: Edit[] = [
      { kind: 'setItemBlob', variable: 'out', key: '1.1', format: 'text', blob: text.digest },
      { kind: 'extend', variable: 'history', field: 'messages', blob: link.digest },
      { kind: 'extend', variable: 'history', field: 'messages', blob: link.digest },
    ];
    const ran = await own.run('out, history', { edits });
    expect(ran.value).toBe("({'1.1': 'whole output'}, [{'role': 'user'}, 2, {'role': 'user'}, 2])");
    expect(ran.changes).toEqual([]);
  });

  test('a variable of the model stays its own when the engine has one of that name', async () => {
    const own = new Session(repl, store, 'taken');
    const text = await store.blobs.put(Buffer.from('whole output'));
    const edits: Edit[] = [
      { kind: 'setItemBlob', variable: 'out', key: '1.1', format: 'text', blob: text.digest },
    ];
    const bound = await own.run('out = {"a": 1}');
    expect(bound.changes).toMatchObject([{ name: 'out', change: 'new' }]);
    expect((await own.run('out', { edits })).value).toBe("{'a': 1}");
    const gone = await own.run('del out');
    expect(gone.changes).toMatchObject([{ name: 'out', change: 'deleted' }]);
    expect((await own.run('out', { edits })).value).toBe("{'1.1': 'whole output'}");
  });

  test('a text of a manifest becomes a document where it says so', async () => {
    const own = new Session(repl, store, 'document');
    const text = await store.blobs.put(Buffer.from('é1\f2'));
    const document = {
      name: 'a.pdf',
      pages: [
        [0, 3],
        [3, 4],
      ],
      metadata: { author: 'x' },
    };
    const manifest = await store.blobs.put(
      Buffer.from(
        JSON.stringify({
          entries: [{ path: ['a'], format: 'text', blob: text, chars: 4, document }],
        }),
      ),
    );
    const ran = await own.run(
      'd = input_data["a"]\nd, d.name, d.pages, d.metadata, str(d.page(2)), search_text(input_data, "2")[0].page',
      { edits: [{ kind: 'setManifest', variable: 'input_data', manifest: manifest.digest }] },
    );
    expect(ran.value).toBe(
      String.raw`('é1\x0c2', 'a.pdf', [(0, 3), (3, 4)], {'author': 'x'}, '2', 2)`,
    );
  });
});
