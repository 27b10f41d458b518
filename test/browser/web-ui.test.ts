import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { type ScriptedModel, startScriptedModel } from '../../examples/support/scripted-model.ts';
import { openWorkplace, type RunningCommand, type Workplace } from '../cli/rlm-command.ts';

// Scope: what a person sees of a finished run in Temporal's Web UI, in a real browser, with `rlm ui` as it is.

const CHROMIUM = process.env['RLM_CHROMIUM'] ?? '/usr/bin/chromium';
const isInstalled = existsSync(CHROMIUM);
if (!isInstalled) {
  console.warn(`No browser at ${CHROMIUM}: these tests are skipped (apt install chromium).`);
}

const QUESTION = 'What was repaired, and when?';
const ASK = `I ask about both things at once.

\`\`\`python
lift, day = llm_query_batched(["What was repaired? " + input_data["notes"], "When? " + input_data["notes"]])
answer["content"] = f"{lift} on {day}, for $12 and not for $13"
\`\`\``;
const CONFIRM = '```python\nanswer["ready"] = True\n```';

let place: Workplace;
let model: ScriptedModel;
let ui: RunningCommand;
let browser: Browser;
let page: Page;
let base: string;
jest.setTimeout(180_000);

/** Goes to a page and waits until every text is to be seen there. */
async function open(path: string, expected: readonly string[]): Promise<void> {
  await page.goto(`${base}/namespaces/default/workflows${path}`);
  try {
    await waitUntil(async () => {
      const text = await textOfPage();
      return expected.filter((part) => !text.includes(part));
    });
  } finally {
    const folder = process.env['RLM_SCREENSHOTS'];
    const name = `${path.split('/').at(-1)?.replace(/\W.*/, '') || 'list'}.png`;
    if (folder !== undefined) await page.screenshot({ path: join(folder, name), fullPage: true });
  }
}

/** The page as a person reads it; Markdown is shown in frames of its own. */
async function textOfPage(): Promise<string> {
  const texts = await Promise.all(
    page.frames().map((frame) =>
      frame
        .locator('body')
        .innerText()
        .catch(() => ''),
    ),
  );
  return texts
    .join('\n')
    .replaceAll(/[\s\u2044]+/g, (space) => (space.includes('\u2044') ? '/' : ' '));
}

const PATIENCE_MS = 60_000;

async function waitUntil(missing: () => Promise<string[]>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  let left = await missing();
  while (left.length > 0 && Date.now() < deadline) {
    // The browser's own clock: nothing tells us when a page of somebody else's is complete.
    await page.waitForTimeout(200);
    left = await missing();
  }
  expect(left).toEqual([]);
}

function search(status: string): string {
  return `?query=${encodeURIComponent(`RlmStatus="${status}" AND RlmModel="scripted-root"`)}`;
}

(isInstalled ? describe : describe.skip)('the Web UI', () => {
  beforeAll(async () => {
    place = await openWorkplace();
    model = await startScriptedModel({
      root: (_, turn) => (turn === 1 ? ASK : CONFIRM),
      sub: (prompt) => (prompt.startsWith('When') ? 'Tuesday' : 'The lift'),
    });
    const env = {
      OPENAI_BASE_URL: model.baseUrl,
      RLM_MODEL: 'scripted-root',
      RLM_SUB_MODEL: 'scripted-sub',
    };
    const run = ['run', QUESTION, '--input', 'notes=notes.txt', '--id', 'lift'];
    expect(await place.rlm(run, env)).toMatchObject({ code: 0 });
    ui = place.start(['ui']);
    base = await ui.line(/^(http:\S+)\/namespaces\/default\/workflows$/m);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    page = await browser.newPage({ viewport: { width: 1500, height: 1200 } });
  });

  afterAll(async () => {
    await browser.close();
    ui.kill('SIGINT');
    expect((await ui.result).code).toBe(0);
    await model.close();
    await place.remove();
  });

  test('lists the run', async () => {
    await open('', ['1 Workflow', 'lift', 'rlmRun', 'COMPLETED']);
  });

  test('its timeline tells the story: turns, cells, calls, each with its summary', async () => {
    await open('/lift', [
      'ingest • 1 input',
      'nextTurn • turn 1 · scripted-root',
      'runCell • cell 1.1 · lift, day = llm_query_batched',
      'answerCall • cell 1.1 · sub-call 1/2',
      'answerCall • cell 1.1 · sub-call 2/2',
      'runCell • cell 1.1 · goes on after round 1',
      'runCell • cell 2.1 · answer["ready"] = True',
      'sealTrail • events so far into the store',
    ]);
  });

  test('its metadata say what was asked, of what, and how it stands, as Markdown', async () => {
    const run = new URL(page.url()).pathname.split('/').at(-2);
    await open(`/lift/${run}/user-metadata`, [
      QUESTION,
      '1 input',
      'input_data["notes"]',
      'answered · turn 2',
      'scripted-root',
      'The lift on Tuesday, for $12 and not for $13',
    ]);
    // A table and headings, not their source; no formula made of the dollar signs.
    const text = await textOfPage();
    expect(text).not.toContain('|---');
    expect(text).not.toContain('###');
    expect(text).toContain('Stand-in model: its answers are scripted and have no intelligence.');
  });

  test('can be found by its search attributes', async () => {
    await open(search('answered'), ['1 Workflow', 'lift', 'COMPLETED']);
    await open(search('failed'), ['0 Workflows']);
  });
});
