import {
  caps,
  type CheckCitationsInput,
  type CheckedCitation,
  type Citation,
  type CitationCheck,
  type CitationReport,
  Citations,
  Manifest,
  type ManifestEntry,
} from '../protocol/index.ts';
import { BlobUnexpected, getJson, putJson, type Store } from '../store/index.ts';
import type { Found } from './find-quotes.ts';
import { lookUp } from './look-up.ts';
import { inputName, type NamedInput, namedInputs } from './named-inputs.ts';

/** All looking up of one answer's citations, in ms: 200 of them in a gigabyte take about a minute. */
const LIMIT_MS = 5 * 60_000;
/** Larger inputs are not searched for words that do not stand where they should. */
const ELSEWHERE_BYTES = 64 * 1024 * 1024;
const PROBLEMS = 20;
const SHOWN_CHARS = 80;
const SHOWN_INPUTS = 8;

interface Options {
  readonly limitMs?: number;
  readonly signal?: AbortSignal;
  /** Inputs looked into so far. */
  readonly onProgress?: (done: number) => void;
}

/** A citation on its way: where it may stand, and where it was found. */
interface Case {
  readonly number: number;
  readonly citation: Citation;
  readonly inputs: readonly NamedInput[];
  place: { entry: ManifestEntry; found: Found } | null;
  problem: string | null;
}

/**
 * Looks up the citations of an answer in the inputs as they were stored, not as the REPL holds them, and stores a report.
 * What came out of the kernel is not trusted: a list that is none is a problem of the answer, never an error. The same
 * for the same input, so it may run twice. Throws the store's errors for inputs that are not there.
 */
export async function checkCitations(
  store: Store,
  { citations, manifests }: CheckCitationsInput,
  options: Options = {},
): Promise<CitationCheck> {
  const entries = await readEntries(store, manifests);
  const given = await readCitations(store, citations.digest);
  const cases = given.citations.map((citation, at) => open(entries, citation, at + 1));
  const until = Date.now() + (options.limitMs ?? LIMIT_MS);
  const search = new Search(store, cases, until, options);
  await search.whereTold(entries, (entry, { part }) => part === null || part === entry.part);
  await search.whereTold(entries, (entry, { part }) => part !== null && part !== entry.part);
  const elsewhere = await search.elsewhere(entries);
  for (const one of cases) {
    if (one.place !== null || one.problem !== null) continue;
    one.problem = notThere(one, entries, elsewhere.get(one));
  }
  const report: CitationReport = { citations: cases.map(toChecked) };
  const { digest } = await putJson(store, report);
  const verified = cases.filter(({ place }) => place !== null).length;
  const problems = [...cases.flatMap(toSentence), ...tooMany(given)];
  return {
    report: digest,
    total: cases.length + given.omitted,
    verified,
    problems: problems.slice(0, PROBLEMS).map((problem) => clip(problem)),
  };
}

/** The inputs by name: of equal ones that of the newest manifest. */
async function readEntries(
  store: Store,
  manifests: CheckCitationsInput['manifests'],
): Promise<ManifestEntry[]> {
  const all: ManifestEntry[] = [];
  for (const digest of manifests) {
    const known = new Set(all.map(({ path }) => JSON.stringify(path)));
    const { entries } = await getJson(store, digest, Manifest);
    // The parts of a text have one path.
    all.push(...entries.filter(({ path }) => !known.has(JSON.stringify(path))));
  }
  return all;
}

const FORGED: Citations = {
  citations: [
    {
      input: null,
      quote: null,
      start: null,
      end: null,
      part: null,
      problem: 'what cannot be read',
    },
  ],
  omitted: 0,
};

async function readCitations(
  store: Store,
  digest: CheckCitationsInput['citations']['digest'],
): Promise<Citations> {
  try {
    return await getJson(store, digest, Citations);
  } catch (error) {
    if (error instanceof BlobUnexpected) return FORGED;
    throw error;
  }
}

function open(entries: readonly ManifestEntry[], citation: Citation, number: number): Case {
  const { input, quote, problem } = citation;
  const one = { number, citation, inputs: [], place: null };
  if (problem !== undefined) {
    return {
      ...one,
      problem: `${problem} is no citation: that is a Passage, or a dict {"input": name, "quote": words}.`,
    };
  }
  if (quote !== null && quote.trim() === '') return { ...one, problem: 'its quote is blank.' };
  if (quote !== null && Array.from(quote).length > caps.QUOTE_CHARS) {
    return {
      ...one,
      problem: 'it is longer than 20,000 characters: cite the sentences that count.',
    };
  }
  return { ...one, inputs: namedInputs(entries, input), problem: null };
}

class Search {
  readonly #store: Store;
  readonly #cases: readonly Case[];
  readonly #until: number;
  readonly #options: Options;
  #done = 0;

  constructor(store: Store, cases: readonly Case[], until: number, options: Options) {
    this.#store = store;
    this.#cases = cases;
    this.#until = until;
    this.#options = options;
  }

  /** Sets the place of each citation that stands where it says. An input is read once for all that name it. */
  async whereTold(
    entries: readonly ManifestEntry[],
    isMeant: (entry: ManifestEntry, citation: Citation) => boolean,
  ): Promise<void> {
    for (const entry of entries) {
      const asked = this.#cases.flatMap((one) => {
        const named = one.inputs.find((input) => input.entry === entry);
        return named && one.place === null && isMeant(entry, one.citation)
          ? [{ one, leaf: named.leaf }]
          : [];
      });
      const found = await this.#lookUp(entry, asked);
      for (const [at, { one }] of asked.entries()) {
        const place = found?.[at];
        if (place) one.place = { entry, found: place };
        else if (found === null) one.problem = 'it could not be looked up in time.';
      }
      // Found in a later input after all.
      for (const { one } of asked) if (one.place !== null) one.problem = null;
    }
  }

  /** In which other input the words of a citation stand that does not hold: most often only the name is wrong. */
  async elsewhere(entries: readonly ManifestEntry[]): Promise<Map<Case, string>> {
    const places = new Map<Case, string>();
    for (const entry of entries.filter(({ blob }) => blob.sizeBytes <= ELSEWHERE_BYTES)) {
      const asked = this.#cases
        .filter((one) => one.place === null && one.problem === null && !places.has(one))
        .filter(({ citation, inputs }) => citation.quote !== null && !isAmong(entry, inputs))
        .map((one) => ({ one, leaf: null }));
      const found = await this.#lookUp(entry, asked);
      for (const [at, { one }] of asked.entries()) {
        const place = found?.[at];
        if (place) places.set(one, place.leaf ?? inputName(entry));
      }
    }
    return places;
  }

  /** Null when there was no time for it. */
  async #lookUp(
    entry: ManifestEntry,
    asked: readonly { one: Case; leaf: string | null }[],
  ): Promise<(Found | null)[] | null> {
    if (asked.length === 0) return [];
    const { signal, onProgress } = this.#options;
    signal?.throwIfAborted();
    const wanted = asked.map(({ one: { citation }, leaf }) => {
      const { quote, start, end } = citation;
      return { input: leaf, quote, start, end };
    });
    const utf8 = await this.#store.blobs.get(entry.blob.digest);
    const { format, path } = entry;
    const lookup = { utf8, format, name: path.join('/'), wanted };
    const found = await lookUp(lookup, this.#until - Date.now(), signal);
    onProgress?.((this.#done += 1));
    return found;
  }
}

/** All of an input was looked through; of a part of a JSON value the rest was not. */
function isAmong(entry: ManifestEntry, inputs: readonly NamedInput[]): boolean {
  return inputs.some((input) => input.entry === entry && input.leaf === null);
}

function notThere(
  { citation: { input, quote }, inputs }: Case,
  entries: readonly ManifestEntry[],
  elsewhere: string | undefined,
): string {
  const stands = elsewhere === undefined ? '' : `; the words stand in ${JSON.stringify(elsewhere)}`;
  const named = JSON.stringify(clip(input ?? '', SHOWN_CHARS));
  if (inputs.length === 0 && input !== null) {
    const names = entries.slice(0, SHOWN_INPUTS).map((entry) => JSON.stringify(inputName(entry)));
    const more = entries.length > names.length ? ', …' : '';
    return `there is no input ${named}${stands}${names.length === 0 ? '' : ` (the inputs are ${names.join(', ')}${more})`}.`;
  }
  const where = input === null ? 'in any input' : `in ${named}`;
  return quote === null
    ? `there are no such offsets ${where}.`
    : `these words do not stand ${where}${stands}.`;
}

function toChecked({ citation, place, problem }: Case): CheckedCitation {
  const { input, quote } = citation;
  if (place === null) {
    const why = clip(problem ?? 'it was not found.');
    return { input, quote, verified: false, problem: why };
  }
  const { entry, found } = place;
  const page = pageOf(entry, found.start);
  return {
    input: found.leaf ?? inputName(entry),
    quote: found.quote,
    verified: true,
    start: found.start,
    end: found.end,
    ...(entry.part === undefined ? {} : { part: entry.part }),
    ...(page === null ? {} : { page }),
  };
}

function pageOf({ document }: ManifestEntry, at: number): number | null {
  const index = (document?.pages ?? []).findIndex(([, end]) => at < end);
  return index < 0 ? null : index + (document?.firstPage ?? 1);
}

function toSentence({ number, citation: { quote }, problem, place }: Case): string[] {
  if (place !== null) return [];
  const words = quote === null ? '' : ` (${JSON.stringify(clip(quote, SHOWN_CHARS))})`;
  return [`Citation ${number}${words}: ${problem}`];
}

function tooMany({ omitted }: Citations): string[] {
  if (omitted === 0) return [];
  return [
    `${omitted} more citations were not looked up: at most ${caps.CITATIONS}, of at most 1,000,000 characters together, are.`,
  ];
}

function clip(text: string, chars: number = caps.CITATION_PROBLEM_CHARS): string {
  const clean = text.toWellFormed();
  return clean.length <= chars ? clean : `${clean.slice(0, chars - 1).toWellFormed()}…`;
}
