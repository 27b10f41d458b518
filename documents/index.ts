export { checkCitations } from './check-citations.ts';
export { InvalidDocument } from './errors.ts';
export { ingest } from './ingest.ts';
export { type Document, readDocument } from './read-document.ts';
export { readInputs, type ReadInputs } from './read-inputs.ts';
