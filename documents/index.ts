export { checkCitations } from './check-citations.ts';
export { InvalidDocument, SourceUnavailable } from './errors.ts';
export { ingest, type IngestContext } from './ingest.ts';
export { loadSourceAccess, NO_ACCESS, type SourceAccess } from './source-access.ts';
