import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { fillTemplate, loadPrompt } from '../../models/prompts/template.ts';

describe('fillTemplate', () => {
  test('puts values in, and never fills what a value says', () => {
    expect(fillTemplate('a {{x}} b {{y}}', { x: '{{y}} $& $1', y: '2' })).toBe('a {{y}} $& $1 b 2');
  });

  test('keeps or leaves out sections', () => {
    const template = 'a\n{{#deep}}\nyes\n{{/deep}}\n{{^deep}}\nno\n{{/deep}}\nb\n';
    expect(fillTemplate(template, { deep: true })).toBe('a\nyes\nb\n');
    expect(fillTemplate(template, { deep: false })).toBe('a\nno\nb\n');
  });

  test('an unknown placeholder is an error that names those there are', () => {
    expect(() => fillTemplate('{{questoin}}', { question: 'q', depth: false })).toThrow(
      new TypeError('the prompt asks for {{questoin}}; it may use {{question}}, {{depth}}'),
    );
  });
});

describe('loadPrompt', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rlm-prompts-'));
  writeFileSync(join(folder, 'system.md'), 'Mine.');
  mkdirSync(join(folder, 'bad', 'system.md'), { recursive: true });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('takes a replacement, else the file of this project', () => {
    expect(loadPrompt('system.md', folder)).toBe('Mine.');
    expect(loadPrompt('question.md', folder)).toBe(loadPrompt('question.md'));
  });

  test('a replacement that cannot be read is an error, not silently ignored', () => {
    expect(() => loadPrompt('system.md', join(folder, 'bad'))).toThrow(/^EISDIR: /);
  });
});
