import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { modelEnvironment } from '../../cli/model-environment.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rlm-here-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('modelEnvironment', () => {
  test('names the configuration of the working directory, the module before the JSON', () => {
    expect(modelEnvironment({ A: '1' }, folder)).toEqual({ A: '1' });
    writeFileSync(join(folder, 'rlm.config.json'), '{}');
    expect(modelEnvironment({}, folder)).toEqual({ RLM_CONFIG: join(folder, 'rlm.config.json') });
    writeFileSync(join(folder, 'rlm.config.ts'), '');
    expect(modelEnvironment({}, folder)).toEqual({ RLM_CONFIG: join(folder, 'rlm.config.ts') });
  });

  test.each(['/other.json', ''])('RLM_CONFIG=%j goes before it', (path) => {
    writeFileSync(join(folder, 'rlm.config.json'), '{}');
    expect(modelEnvironment({ RLM_CONFIG: path }, folder)).toEqual({ RLM_CONFIG: path });
  });
});
