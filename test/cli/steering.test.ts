import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type ScriptedModel, startScriptedModel } from '../../examples/support/scripted-model.ts';
import { openWorkplace, type RunningCommand, type Workplace } from './rlm-command.ts';

// Scope: commands that reach into a run which goes on beside an open `rlm ui`.

let place: Workplace;
let model: ScriptedModel;
let ui: RunningCommand;
let prompts: string[] = [];
jest.setTimeout(300_000);

const CELLS = [
  'answer["content"] = "a first draft"',
  'which = ask_human("Which lift?")',
  'answer["content"] = f"{which}, {floor}"',
  'answer["ready"] = True',
];

beforeAll(async () => {
  place = await openWorkplace();
  model = await startScriptedModel({
    root: (messages, turn) => {
      prompts = messages.map(({ content }) => content);
      const isFork = prompts.some((prompt) => prompt.includes('Once more?'));
      const code = isFork
        ? 'FINAL(f"{which} once more")'
        : (CELLS[turn - 1] ?? 'answer["ready"] = True');
      return `\`\`\`python\n${code}\n\`\`\``;
    },
  });
  ui = place.start(['ui'], env());
  await ui.line(/^(http:\S+)$/m);
});

afterAll(async () => {
  ui.kill('SIGINT');
  await ui.result;
  await model.close();
  await place.remove();
});

function env(): NodeJS.ProcessEnv {
  return {
    OPENAI_BASE_URL: model.baseUrl,
    RLM_MODEL: 'scripted-root',
    RLM_SUB_MODEL: 'scripted-sub',
  };
}

async function said(args: string[]): Promise<string> {
  const { code, stdout, stderr } = await place.rlm(args, env());
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

async function refused(args: string[]): Promise<string> {
  const { code, stderr } = await place.rlm(args, env());
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/^rlm: /);
  return stderr.slice('rlm: '.length);
}

const RUN = ['run', 'Which?', '--input', 'notes=notes.txt', '--detach', '--id'];

async function asked(id: string): Promise<string> {
  for (;;) {
    const shown = await place.rlm(['progress', id], env());
    if (shown.stdout.includes('question 2.1.1')) return shown.stdout;
  }
}

test('a run is told things, waits for an answer, and is forked', async () => {
  await said([...RUN, 'steered']);
  const shown = await asked('steered');
  expect(shown).toContain('cell 2.1 waits for a person');
  expect(shown).toContain('question 2.1.1: Which lift?');

  expect(await refused(['answer', 'steered', '7.7.7', 'x'])).toBe(
    'Run steered refused this: No question 7.7.7 waits for an answer; these do: 2.1.1.\n',
  );
  expect(await said(['extend', 'steered', '--turns', '40', '--cost-usd', '2'])).toContain(
    'turn 2/40 · cell 2.1 waits for a person · $0.00 of $2.00',
  );
  await said(['edit', 'steered', 'floor', '3', '--json']);
  await said(['steer', 'steered', 'Be brief.']);
  await said(['pause', 'steered']);
  await said(['answer', 'steered', '2.1.1', 'The goods lift']);
  await said(['resume', 'steered']);
  expect(await said(['result', 'steered'])).toBe('The goods lift, 3\n');
  expect(prompts.join('\n')).toContain('Message from a person who follows this run: Be brief.');

  expect(JSON.parse(await said(['drafts', 'steered', '--json']))).toMatchObject([
    { version: 1, text: 'a first draft' },
    { version: 2, text: 'The goods lift, 3' },
  ]);
  expect(await said(['tree', 'steered'])).toMatch(/^steered · completed · ended · turn 4\/40 · /);
  expect(await refused(['steer', 'steered', 'More.'])).toBe(
    'Run steered has ended; it takes nothing more.\n',
  );

  await said(['run', 'Once more?', '--from', 'steered:3.1', '--detach', '--id', 'forked']);
  expect(await said(['result', 'forked'])).toBe('The goods lift once more\n');
  expect(prompts.join('\n')).toContain('# A new question\n\nOnce more?');
});

test('a run is ended with its draft', async () => {
  await said([...RUN, 'finished']);
  await asked('finished');
  await said(['finish', 'finished']);
  const { code, stdout, stderr } = await place.rlm(['result', 'finished'], env());
  expect([code, stdout]).toEqual([3, 'a first draft\n']);
  expect(stderr).toContain('The run ended without a final answer because somebody ended it');
});

test.each([
  [['extend', 'x'], 'There is no new limit: name one, for instance --cost-usd 5.'],
  [['edit', 'x', 'y'], 'Give one value: as the last argument, or by --file or --delete.'],
  [
    ['answer', 'x', '1.1.1', 'a', '--file', 'b'],
    'Give one value: as the last argument, or by --file.',
  ],
  [['edit', 'x', 'y', '{', '--json'], /^The value is not JSON: /],
  [['edit', 'x', 'y', '--file', 'none'], /^The file none cannot be read: /],
])('a wrong command is refused before anything is asked: %j', async (args, why) => {
  const text = (await refused(args)).trim();
  expect(text).toEqual(typeof why === 'string' ? why : expect.stringMatching(why));
});

describe('rlm run', () => {
  test.each([
    ['[{"name": "x"}]', /^--tools: .*tools\.json: 0\.taskQueue: Invalid input: expected string/],
    ['{', /^--tools: .*tools\.json cannot be read as JSON: /],
  ])('refuses tools that are none: %s', async (json, message) => {
    const file = join(place.dir, 'tools.json');
    await writeFile(file, json);
    expect(await refused([...RUN, 'tools', '--tools', file])).toMatch(message);
  });
});
