import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { type ScriptedModel, startScriptedModel } from '../../examples/support/scripted-model.ts';
import { openWorkplace, type RunningCommand, type Workplace } from './rlm-command.ts';

// Scope: commands beside an open `rlm ui`, whose server they share.

let place: Workplace;
let model: ScriptedModel;
let ui: RunningCommand;
jest.setTimeout(120_000);

beforeAll(async () => {
  place = await openWorkplace();
  model = await startScriptedModel({
    root: (_, turn) =>
      turn === 1
        ? '```python\nanswer["content"] = llm_query("What? " + input_data["notes"])\n```'
        : '```python\nanswer["ready"] = True\n```',
    sub: () => 'The lift.',
  });
  ui = place.start(['ui'], env());
  await ui.line(/^(http:\S+)$/m);
});

afterAll(async () => {
  ui.kill('SIGINT');
  expect((await ui.result).code).toBe(0);
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

const RUN = ['run', 'What was repaired?', '--input', 'notes=notes.txt'];

async function said(args: string[]): Promise<string> {
  const { code, stdout, stderr } = await place.rlm(args, env());
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

describe('rlm run --detach', () => {
  test('leaves the run to the open server; its answer can be fetched', async () => {
    expect(await said([...RUN, '--detach', '--id', 'detached'])).toBe('detached\n');
    expect(await said(['result', 'detached'])).toBe('The lift.\n');
  });

  test('is refused where the server would end with the command', async () => {
    const elsewhere = await openWorkplace();
    const { code, stdout, stderr } = await elsewhere.rlm([...RUN, '--detach'], env());
    await elsewhere.remove();
    expect([code, stdout, stderr]).toEqual([
      1,
      '',
      'rlm: --detach needs a server that stays: name one with --address, or keep "rlm ui" open in another terminal.\n',
    ]);
  });
});

test('a run beside the Web UI uses its server and leaves it running', async () => {
  const { code, stdout, stderr } = await place.rlm(RUN, env());
  expect([code, stdout]).toEqual([0, 'The lift.\n']);
  expect(stderr).not.toContain('To open the run later');
  expect(await said(['schedule', 'list'])).toBe('There are no schedules.\n');
});

test('an id that nobody used is said to be unknown', async () => {
  for (const command of ['result', 'progress', 'cancel']) {
    const { code, stderr } = await place.rlm([command, 'nobody']);
    expect([command, code, stderr]).toEqual([
      command,
      1,
      'rlm: There is no run with the id nobody; look it up in the Web UI.\n',
    ]);
  }
});

describe('rlm schedule', () => {
  test('starts a saved spec when it is told to, and is paused and deleted', async () => {
    const create = ['schedule', 'create', 'weekly', ...RUN.slice(1), '--every', '7d'];
    expect(await said(create)).toBe('The schedule was created: weekly\n');
    expect(await said(['schedule', 'list'])).toMatch(/^weekly · next 20\d\d-\S+\n$/);

    expect(await said(['schedule', 'trigger', 'weekly'])).toBe(
      'A run of the schedule was started: weekly\n',
    );
    const started = await startedRun();
    expect(started).toMatch(/^weekly-20\d\d-/);
    expect(await said(['result', started])).toBe('The lift.\n');

    await said(['schedule', 'pause', 'weekly']);
    expect(await said(['schedule', 'list'])).toMatch(/^weekly · paused · last run weekly-/);
    const again = await place.rlm(create, env());
    expect(again.stderr).toBe(
      'rlm: A schedule with the id weekly exists already; delete it first or choose another id.\n',
    );
    await said(['schedule', 'delete', 'weekly']);
    const gone = await place.rlm(['schedule', 'trigger', 'weekly']);
    expect([gone.code, gone.stderr]).toEqual([
      1,
      'rlm: There is no schedule with the id weekly.\n',
    ]);
  });
});

/** The list shows a start a moment after it was asked for. */
async function startedRun(): Promise<string> {
  for (let look = 0; look < 30; look++) {
    const id = / · last run (\S+)/.exec(await said(['schedule', 'list']))?.[1];
    if (id !== undefined) return id;
  }
  throw new Error('The schedule started no run.');
}
