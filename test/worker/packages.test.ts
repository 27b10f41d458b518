import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { RunRequest } from '../../client/index.ts';
import { putText } from '../../store/index.ts';
import { openRealWorld, type RealWorld } from '../support/real-world.ts';
import { makeWheel } from '../support/wheel.ts';

// Scope: packages of a run from the request to the REPL of the run, its sub-runs and forks, and to the prompt.

const greet = makeWheel('greet-1.2-py3-none-any.whl', { 'greet.py': 'WORD = "hello"\n' });
const other = makeWheel('other-3-py3-none-any.whl', { 'other/__init__.py': 'NAME = "other"\n' });
/** Python of the turns, by question. */
const scripts: Record<string, string[]> = {
  'Q: run': ['import greet\nword = greet.WORD', 'FINAL(word + rlm_query("Q: sub-run"))'],
  'Q: sub-run': ['import greet\nFINAL(" " + greet.WORD.upper())'],
  'Q: fork': ['import greet, other\nFINAL([word, greet.WORD, other.NAME])'],
};
let prompts: string[] = [];
let world: RealWorld;

beforeAll(async () => {
  world = await openRealWorld({
    reply: (messages) => {
      prompts = messages.map(({ content }) => content);
      const said = prompts.filter((text) => !text.startsWith('You ')).join('\n');
      const question = Object.keys(scripts).findLast((one) => said.includes(one)) ?? '';
      const replies = messages.filter(({ role }) => role === 'assistant').length;
      const before = question === 'Q: fork' ? (scripts['Q: run']?.length ?? 0) : 0;
      const code = scripts[question]?.[replies - before] ?? 'answer["ready"] = True';
      return `\`\`\`python\n${code}\n\`\`\``;
    },
    root: () => '',
    sub: () => '',
  });
}, 120_000);
afterAll(() => world.close());

test('a package is importable in the run, its sub-runs and its forks, which may add more', async () => {
  const request: RunRequest = {
    question: 'Q: run',
    input: 'text',
    packages: [greet],
    confirm: 'never',
  };
  const run = await world.client.run(request);
  expect(run.answer).toBe('hello HELLO');
  const fork = await world.client.run({
    question: 'Q: fork',
    from: { workflowId: run.workflowId },
    packages: [other],
    confirm: 'never',
  });
  expect(JSON.parse(fork.answer ?? '')).toEqual(['hello', 'hello', 'other']);
  expect(prompts[0]).toContain('This run has these packages as well: greet 1.2 (`import greet`).');
  expect(prompts.join('\n')).toContain('These packages can be imported: other 3 (`import other`).');
}, 120_000);

test('a spec from elsewhere with a wheel of native code fails the run and names the wheel', async () => {
  const wheel = makeWheel('fast-1-py3-none-any.whl', { 'fast.so': 'ELF' });
  const { store } = world.client;
  const spec = {
    question: await putText(store, 'Q: run'),
    inputs: [],
    model: null,
    subModel: null,
    budget: {},
    limits: {},
    answerSchema: null,
    seed: null,
    clock: null,
    packages: [{ file: wheel.file, blob: await store.blobs.put(wheel.bytes) }],
  };
  const { workflowId } = await world.client.startSpec(spec);
  await expect(world.client.result(workflowId)).rejects.toThrow(
    'fast-1-py3-none-any.whl holds native code (fast.so): only pure-Python wheels (…-none-any.whl) can be used',
  );
}, 60_000);
