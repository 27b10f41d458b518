import { describe, expect, test } from '@jest/globals';
import { fillTemplate, templateProblem } from '../../models/prompts/template.ts';

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

describe('templateProblem', () => {
  const form = { flags: ['deep'], texts: ['question'] };

  test.each([
    ['', 'it is empty'],
    ['{{questoin}}', 'it asks for {{questoin}}, its texts are question'],
    ['{{deep}}', 'it asks for {{deep}}, its texts are question'],
    ['{{#whole}}\nx\n{{/whole}}\n', 'it asks whether {{#whole}}, its flags are deep'],
    [
      '{{#deep}}\n{{^deep}}\nx\n{{/deep}}\n{{/deep}}\n',
      'the section {{#deep}} holds another section',
    ],
    [
      'x {{#deep}}y{{/deep}}\n',
      '{{#deep}} belongs to no section: a section begins with {{#name}} or {{^name}} and ends with {{/name}}, each on a line of its own',
    ],
  ])('%j: %s', (template, problem) => {
    expect(templateProblem(template, form)).toBe(problem);
  });

  test('is null for one that can be filled', () => {
    const template =
      '{{question}}\n{{#deep}}\na {{question}}\n{{/deep}}\n{{^deep}}\nb\n{{/deep}}\n';
    expect(templateProblem(template, form)).toBeNull();
    expect(fillTemplate(template, { question: 'q', deep: false })).toBe('q\nb\n');
  });
});
