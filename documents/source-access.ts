import { isAbsolute, resolve } from 'node:path';
import { InvalidDocument } from './errors.ts';

/** What of the world outside its store a worker may read for a run. */
export interface SourceAccess {
  /** Folders whose files `worker:` names, absolute. None by default. */
  roots: readonly string[];
  /** Hosts that `http(s)://` may name: `example.com`, `*.example.com`, with a port when it is another. None by default. */
  httpHosts: readonly string[];
  /** Buckets that `s3://` may name; null are all that the worker's credentials reach. */
  s3Buckets: readonly string[] | null;
  /** S3-compatible server instead of AWS. */
  s3Endpoint: string | null;
}

export const NO_ACCESS: SourceAccess = {
  roots: [],
  httpHosts: [],
  s3Buckets: [],
  s3Endpoint: null,
};

/** From `RLM_INPUT_ROOTS` (folders, separated by colons), `RLM_HTTP_HOSTS` and `RLM_S3_BUCKETS` (comma-separated). Throws InvalidDocument. */
export function loadSourceAccess(env: Readonly<Record<string, string | undefined>>): SourceAccess {
  const roots = listOf(env['RLM_INPUT_ROOTS'], ':');
  for (const root of roots) {
    if (!isAbsolute(root)) {
      throw new InvalidDocument(`RLM_INPUT_ROOTS: ${root} is not an absolute path`);
    }
  }
  const httpHosts = listOf(env['RLM_HTTP_HOSTS'], ',').map((host) => host.toLowerCase());
  for (const host of httpHosts) {
    if (!/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:\d+)?$/.test(host)) {
      throw new InvalidDocument(
        `RLM_HTTP_HOSTS: ${host} is not a host; expected example.com, *.example.com or example.com:8443`,
      );
    }
  }
  const buckets = listOf(env['RLM_S3_BUCKETS'], ',');
  return {
    roots: roots.map((root) => resolve(root)),
    httpHosts,
    s3Buckets: buckets.length === 0 ? null : buckets,
    s3Endpoint: env['AWS_ENDPOINT_URL_S3'] ?? env['AWS_ENDPOINT_URL'] ?? null,
  };
}

function listOf(text: string | undefined, separator: string): string[] {
  return (text ?? '')
    .split(separator)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
