import { checkCitations } from '../../documents/index.ts';
import {
  type Citation,
  CitationReport,
  type CitationCheck,
  type CheckedCitation,
  type ManifestEntry,
} from '../../protocol/index.ts';
import { getJson, memoryStore, putJson, putText, type Store } from '../../store/index.ts';

export const CONTRACT =
  'SERVICE AGREEMENT\n\n1. Fees\nThe Client pays “EUR 10” a day.\n\n2. Term — one\n  year, then “EUR 10” again.\n';

interface Given {
  path: string[];
  value: unknown;
  document?: ManifestEntry['document'];
  part?: number;
}

export async function manifestOf(store: Store, inputs: Given[]): Promise<string> {
  const entries = await Promise.all(
    inputs.map(async ({ path, value, document, part }): Promise<ManifestEntry> => {
      const isText = typeof value === 'string';
      const { digest, sizeBytes, chars } = await putText(
        store,
        isText ? value : JSON.stringify(value),
      );
      const format = isText ? 'text' : 'json';
      return {
        path,
        format,
        blob: { digest, sizeBytes },
        chars,
        ...(document && { document }),
        ...(part === undefined ? {} : { part }),
      };
    }),
  );
  return (await putJson(store, { entries })).digest;
}

export async function check(
  inputs: Given[] | Given[][],
  cited: Partial<Citation>[],
  options: Parameters<typeof checkCitations>[2] & { omitted?: number } = {},
): Promise<CitationCheck & { citations: CheckedCitation[] }> {
  const store = memoryStore();
  const lists = Array.isArray(inputs[0]) ? (inputs as Given[][]) : [inputs as Given[]];
  const manifests = await Promise.all(lists.map((list) => manifestOf(store, list)));
  const nothing = { input: null, quote: null, start: null, end: null, part: null };
  const citations = cited.map((citation) => ({ ...nothing, ...citation }));
  const { omitted = 0, ...rest } = options;
  const blob = await putText(store, JSON.stringify({ citations, omitted }));
  const result = await checkCitations(store, { citations: blob, manifests }, rest);
  const report = await getJson(store, result.report, CitationReport);
  return { ...result, citations: report.citations };
}

export const INPUTS: Given[] = [
  { path: ['contract'], value: CONTRACT },
  { path: ['prior', 'a/old.txt'], value: 'Nothing is due. Ünïcode: 語語 here.' },
];
