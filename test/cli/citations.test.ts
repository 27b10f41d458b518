import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { type ScriptedModel, startScriptedModel } from '../../examples/support/scripted-model.ts';
import { openWorkplace, type Workplace } from './rlm-command.ts';

// Scope: citations from the cell that sets them to the command that lists them. All is real but the model.

let place: Workplace;
let model: ScriptedModel;
/** What the model was told before its second turn. */
let told: string;

const FIRST = `\`\`\`python
doc = input_data["notes"]
answer["citations"] = [quote(doc, "repaired on   Tuesday"), {"input": "notes", "quote": "repaired by Otis"}]
FINAL("On Tuesday, by Otis.")
\`\`\``;
const SECOND = `\`\`\`python
answer["citations"][1] = {"input": "notes", "quote": "still made up"}
FINAL("On Tuesday.")
\`\`\``;

beforeEach(async () => {
  place = await openWorkplace();
  model = await startScriptedModel({
    root: (messages, turn) => {
      if (turn === 1) return FIRST;
      told = messages.at(-1)?.content ?? '';
      return SECOND;
    },
  });
});

afterEach(async () => {
  await model.close();
  await place.remove();
});

// Two starts of server and worker on a machine that may be busy.
jest.setTimeout(120_000);

test('an answer that cites is listed with what stands in the inputs and what does not', async () => {
  const env = {
    OPENAI_BASE_URL: model.baseUrl,
    RLM_MODEL: 'scripted-root',
    RLM_SUB_MODEL: 's-sub',
  };
  const args = ['run', 'When?', '--input', 'notes=notes.txt', '--id', 'cited'];
  const { code, stdout, stderr } = await place.rlm(args, env);
  expect([code, stdout]).toEqual([0, 'On Tuesday.\n']);
  expect(told).toContain(
    'The answer is not accepted yet: 1 of its 2 citations was not found in the inputs.',
  );
  expect(told).toContain('Citation 2 ("repaired by Otis"): these words do not stand in "notes".\n');
  expect(stderr).toContain(
    [
      'Citations, 1 of 2 found in the inputs:',
      '  [1] notes, 13-32: “repaired on Tuesday”',
      '  [2] NOT FOUND (these words do not stand in "notes".): “still made up”',
      '',
    ].join('\n'),
  );

  const again = await place.rlm(['result', 'cited', '--json'], env);
  expect(JSON.parse(again.stdout)).toMatchObject({
    answer: 'On Tuesday.',
    reason: 'answered',
    spend: { turns: 2 },
    citations: [
      { input: 'notes', quote: 'repaired on Tuesday', verified: true, start: 13, end: 32 },
      {
        input: 'notes',
        quote: 'still made up',
        verified: false,
        problem: 'these words do not stand in "notes".',
      },
    ],
  });
});
