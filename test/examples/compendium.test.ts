import { describe, expect, test } from '@jest/globals';
import { buildCompendium, PAGE_CHARS, PRIOR_AGREEMENTS } from '../../examples/demo/compendium.ts';

const compendium = buildCompendium();

describe('buildCompendium', () => {
  test('is a contract of more than 500 pages', () => {
    expect(compendium.pages).toBe(Math.floor(compendium.contract.length / PAGE_CHARS));
    expect(compendium.pages).toBeGreaterThan(500);
  });

  test('is the same each time', () => {
    expect(buildCompendium()).toEqual(compendium);
  });

  test('its headings, and nothing else in it, look like headings of sections', () => {
    const found = compendium.contract.match(/^SECTION \d+\. .+ \(\S+\)$/gm);
    expect(found).toEqual(compendium.sections.map(({ heading }) => heading));
    expect(compendium.sections.map(({ number }) => number)).toEqual(
      Array.from({ length: compendium.sections.length }, (_, at) => at + 1),
    );
  });

  test('each section stands in it whole, after its heading', () => {
    let at = 0;
    for (const { heading, text } of compendium.sections) {
      const start = compendium.contract.indexOf(`\n${heading}\n\n${text}\n`, at);
      expect(start).toBeGreaterThanOrEqual(at);
      at = start + heading.length + text.length;
    }
  });

  test('the prior agreements are twelve, some with an indemnity, and not in the contract', () => {
    const prior = Object.values(compendium.priorAgreements);
    expect(prior).toHaveLength(12);
    expect(prior.filter((text) => /indemnif/i.test(text)).length).toBeGreaterThan(3);
    expect(prior.filter((text) => !/indemnif/i.test(text)).length).toBeGreaterThan(3);
    const ids = compendium.sections.map(({ id }) => id);
    for (const id of PRIOR_AGREEMENTS) {
      expect(ids).not.toContain(id);
      expect(ids).not.toContain(`${id}-only`);
      expect(ids).not.toContain(`${id}-or-later`);
    }
    for (const text of prior) expect(compendium.contract).not.toContain(text);
  });

  test('no text is a section twice', () => {
    const texts = compendium.sections.map(({ text }) => text.replaceAll(/\s+/g, ' '));
    expect(new Set(texts).size).toBe(texts.length);
  });

  test('dozens of sections speak of indemnity, and most do not', () => {
    const speaking = compendium.sections.filter(({ text }) => /indemnif/i.test(text)).length;
    expect(speaking).toBeGreaterThan(36);
    expect(speaking).toBeLessThan(compendium.sections.length / 5);
  });
});
