import licenses from 'spdx-license-list/full.js';

/** Characters of a page, for sizes that a person can picture. */
export const PAGE_CHARS = 3_000;

/** SPDX ids of the prior agreements: well-known licences, some with an indemnity and some without. */
export const PRIOR_AGREEMENTS = [
  'AGPL-3.0',
  'Apache-2.0',
  'Artistic-2.0',
  'BSD-3-Clause',
  'CC-BY-4.0',
  'CDDL-1.0',
  'EPL-2.0',
  'GPL-2.0',
  'GPL-3.0',
  'LGPL-2.1',
  'MIT',
  'MPL-2.0',
] as const;

interface Section {
  readonly number: number;
  readonly id: string;
  readonly name: string;
  /** `SECTION 12. Adobe Systems License (Adobe-2006)`: a line of its own at the section's start. */
  readonly heading: string;
  readonly text: string;
}

export interface Compendium {
  /** The contract: a title and all sections in the order of their ids. */
  readonly contract: string;
  readonly sections: readonly Section[];
  /** Name (`Apache License 2.0 (Apache-2.0)`) to full text. */
  readonly priorAgreements: Readonly<Record<string, string>>;
  readonly pages: number;
}

/** Ids that name the same text under other terms of use of it. */
const VARIANT = /(\+|-only|-or-later|-no-copyleft-exception)$/;

/**
 * The demo's inputs, from the full texts of an npm package: equal on every machine with the same package.
 * Each licence is a section, equal texts once; the prior agreements and their variants are left out of it.
 */
export function buildCompendium(): Compendium {
  const prior = new Set<string>(PRIOR_AGREEMENTS);
  const ids = Object.keys(licenses).toSorted(byCodeUnit);
  const seen = new Set(PRIOR_AGREEMENTS.map((id) => words(textOf(id))));
  const sections: Section[] = [];
  for (const id of ids) {
    const text = textOf(id);
    if (prior.has(id) || prior.has(id.replace(VARIANT, '')) || seen.has(words(text))) continue;
    seen.add(words(text));
    const number = sections.length + 1;
    const name = nameOf(id);
    sections.push({ number, id, name, heading: `SECTION ${number}. ${name} (${id})`, text });
  }
  const body = sections.map(({ heading, text }) => `${heading}\n\n${text}\n`);
  const contract = `COMPENDIUM OF LICENCE AGREEMENTS\n\nEach section below is part of this contract.\n\n${body.join('\n')}`;
  return {
    contract,
    sections,
    priorAgreements: Object.fromEntries(
      PRIOR_AGREEMENTS.map((id) => [`${nameOf(id)} (${id})`, textOf(id)]),
    ),
    pages: Math.floor(contract.length / PAGE_CHARS),
  };
}

function textOf(id: string): string {
  const license = licenses[id];
  if (license === undefined) throw new Error(`spdx-license-list has no licence ${id}`);
  return license.licenseText.trim();
}

/** The list calls some texts "… only"; the prior agreements are named without. */
function nameOf(id: string): string {
  return (licenses[id]?.name ?? id).replace(/ only$/, '');
}

function words(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : 1;
}
