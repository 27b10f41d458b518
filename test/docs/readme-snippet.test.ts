import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type ScriptedModel, startScriptedModel } from '../../examples/support/scripted-model.ts';
import { openWorkplace, type RunningCommand, type Workplace } from '../cli/rlm-command.ts';

// Scope: the README's library snippet, as it stands there, against `rlm ui` with a scripted model.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
jest.setTimeout(120_000);

let place: Workplace;
let model: ScriptedModel;
let ui: RunningCommand;

beforeAll(async () => {
  place = await openWorkplace();
  model = await startScriptedModel({
    root: (_, turn) =>
      turn === 1
        ? '```python\nanswer["content"] = llm_query("What? " + input_data["notes"])\n```'
        : '```python\nanswer["ready"] = True\n```',
    sub: () => 'The lift.',
  });
  ui = place.start(['ui'], {
    OPENAI_BASE_URL: model.baseUrl,
    RLM_MODEL: 'scripted-root',
    RLM_SUB_MODEL: 'scripted-sub',
  });
});

afterAll(async () => {
  ui.kill('SIGINT');
  await ui.result;
  await model.close();
  await place.remove();
});

test('gives an answer', async () => {
  await ui.line(/^(http:\S+)$/m);
  const address = await ui.line(/Temporal at (\S+)/);
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const snippet = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  expect(snippet).toContain("from 'durable-rlm'");
  // The package is not built in a checkout; its name stands for the client's door.
  const door = join(ROOT, 'client', 'index.ts');
  const file = join(place.dir, 'snippet.mts');
  await writeFile(file, snippet.replace("'durable-rlm'", JSON.stringify(door)));
  const child = spawn(process.execPath, [file], {
    cwd: place.dir,
    env: { PATH: process.env['PATH'], TEMPORAL_ADDRESS: address },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  await rm(file);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/\nThe lift\. answered 0\n$/);
});
