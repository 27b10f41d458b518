import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { ModelError } from '../../models/model-failure.ts';
import { loadPrompts, PROMPT_FORMS } from '../../models/prompts/prompt-set.ts';
import { loadRegistry } from '../../models/registry.ts';
import { newMessages } from '../../models/turn-messages.ts';
import { memoryStore, putJson, putText } from '../../store/index.ts';
import { CARD } from '../workflows/states.ts';

const folder = mkdtempSync(join(tmpdir(), 'rlm-prompts-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;

function folderWith(files: Record<string, string | Buffer>): string {
  const made = join(folder, String(count++));
  mkdirSync(made);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(made, name), text);
  return made;
}

function refusalOf(load: () => unknown): string {
  try {
    load();
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    expect(error.failure).toMatchObject({ type: 'InvalidInput', retryable: false });
    return error.message;
  }
  throw new Error('nothing was thrown');
}

describe('a folder of prompts', () => {
  test('goes before the files of this project, read once', () => {
    const mine = folderWith({ 'summarise.md': 'Mine.\r\nAll.', 'README.md': '{{x}}', 'a.txt': '' });
    const prompts = loadPrompts(mine);
    writeFileSync(join(mine, 'summarise.md'), 'Later.');
    expect(prompts.fill('summarise.md', {})).toBe('Mine.\nAll.');
    expect(prompts.fill('answer-now.md', { has_schema: false, answer_schema: '' })).toBe(
      loadPrompts().fill('answer-now.md', { has_schema: false, answer_schema: '' }),
    );
    expect(prompts.variants).toEqual(['encouraged', 'frugal']);
  });

  test('may add variants', () => {
    const prompts = loadPrompts(folderWith({ 'sub-calls-none.md': 'Ask nobody.\n' }));
    expect(prompts.variants).toEqual(['encouraged', 'frugal', 'none']);
    expect(prompts.variant('none', { sub_model: 's' })).toBe('Ask nobody.');
    expect(refusalOf(() => prompts.variant('nine', { sub_model: 's' }))).toBe(
      'There is no prompt variant "nine": there are encouraged, frugal, none; a file sub-calls-nine.md in the folder of prompts adds it.',
    );
  });

  test.each([
    [
      { 'sytem.md': 'x' },
      'sytem.md replaces nothing; the files are system.md, question.md, continue.md, answer-now.md, summarise.md, and sub-calls-NAME.md for a variant',
    ],
    [
      { 'system.md': '{{submodel}}' },
      'system.md: it asks for {{submodel}}, its texts are sub_model, tools, packages, sub_calls',
    ],
    [{ 'question.md': '{{question}}' }, 'question.md: it lacks {{inputs}}'],
    [{ 'summarise.md': ' \n' }, 'summarise.md: it is empty'],
    [{ 'summarise.md': Buffer.from([0xff, 0xfe, 0x41]) }, 'summarise.md: it is not UTF-8'],
    [
      { 'sub-calls-mine.md': '{{question}}' },
      'sub-calls-mine.md: it asks for {{question}}, its texts are sub_model',
    ],
  ])('with a mistake is refused when it is loaded: %j', (files, problem) => {
    const bad = folderWith(files);
    const registry = (): unknown => loadRegistry({ OPENAI_API_KEY: 'k', RLM_PROMPTS: bad });
    expect(refusalOf(registry)).toBe(`The prompts in ${bad} cannot be used: ${problem}.`);
  });

  test('that is none, or holds what cannot be read, is refused', () => {
    const nowhere = join(folder, 'nowhere');
    expect(refusalOf(() => loadPrompts(nowhere))).toBe(
      `The prompts in ${nowhere} cannot be used: there is no such folder.`,
    );
    const odd = folderWith({});
    mkdirSync(join(odd, 'system.md'));
    expect(refusalOf(() => loadPrompts(odd))).toMatch(/system\.md: Error: EISDIR/);
    expect(refusalOf(() => loadPrompts(join(odd, '..', '0', 'a.txt')))).toMatch(
      /cannot be used: it is no folder\.$/,
    );
  });
});

test('each prompt may ask for all that it is said to have', async () => {
  const files = Object.entries(PROMPT_FORMS).map(([name, { flags, texts }]) => {
    const sections = flags.map((flag) => `{{#${flag}}}\n${flag}\n{{/${flag}}}\n`);
    return [
      name,
      `All of ${name}:\n${sections.join('')}${texts.map((text) => `{{${text}}}`).join('\n')}\n`,
    ];
  });
  const prompts = loadPrompts(folderWith(Object.fromEntries(files)));
  const store = memoryStore();
  const manifest = (await putJson(store, { entries: [] })).digest;
  const input = {
    workflowId: 'run',
    turn: 1,
    card: CARD,
    subModel: 's',
    question: await putText(store, 'Why?'),
    manifest,
    depth: 0,
    maxDepth: 1,
    transcript: null,
    observation: null,
    continues: { manifest },
    purpose: 'answer' as const,
  };
  const messages = await newMessages(store, input, [], prompts);
  const said = messages.map(({ content }) => content).join('\n');
  for (const name of ['system.md', 'question.md', 'continue.md', 'answer-now.md']) {
    expect(said).toContain(`All of ${name}:`);
  }
  expect(said).not.toContain('{{');
  expect(prompts.fill('summarise.md', {})).not.toContain('{{');
});

describe('the registry', () => {
  test('chooses variant and threshold of a model: its entry, else the environment', async () => {
    const path = join(folder, 'models.json');
    const models = { a: { promptVariant: 'frugal', directChars: 7 }, b: {} };
    writeFileSync(path, JSON.stringify({ root: 'a', models }));
    const env = { RLM_CONFIG: path, OPENAI_API_KEY: 'k' };
    const more = { RLM_PROMPT_VARIANT: 'encouraged', RLM_DIRECT_CHARS: '1000' };
    const registry = loadRegistry({ ...env, ...more });
    const chosen = async (name: string): Promise<unknown[]> => {
      const card = await registry.card(name, 'root', { taskQueue: 'models' });
      return [card.promptVariant, card.directChars];
    };
    expect(await chosen('a')).toEqual(['frugal', 7]);
    expect(await chosen('b')).toEqual(['encouraged', 1000]);
    const card = await loadRegistry({ OPENAI_API_KEY: 'k', ...more }).card(null, 'root', {
      taskQueue: 'models',
    });
    expect([card.promptVariant, card.directChars]).toEqual(['encouraged', 1000]);
  });

  test('refuses a variant that no file holds, and a threshold that is no number', () => {
    const env = {
      OPENAI_API_KEY: 'k',
      RLM_MODEL: 'm',
      RLM_SUB_MODEL: 'm',
      OPENAI_BASE_URL: 'http://x',
    };
    expect(refusalOf(() => loadRegistry({ ...env, RLM_PROMPT_VARIANT: 'frugl' }))).toBe(
      'The model "m" asks for the prompt variant "frugl": there are encouraged, frugal; a file sub-calls-frugl.md in the folder of prompts adds it.',
    );
    expect(refusalOf(() => loadRegistry({ ...env, RLM_DIRECT_CHARS: '60k' }))).toBe(
      'RLM_DIRECT_CHARS must be a number of characters (0 shows no input whole), not "60k".',
    );
  });
});
