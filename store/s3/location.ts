import { StoreLocationInvalid } from '../errors.ts';

/** Where a store on S3 is, and how its server is spoken to. */
export interface S3Location {
  bucket: string;
  /** Of every object, with its slash; '' for none. */
  prefix: string;
  endpoint: string | undefined;
  region: string;
  /** `http://host/bucket/key` instead of `http://bucket.host/key`. */
  pathStyle: boolean;
}

const REGION = 'us-east-1';
const FORM = 's3://bucket/prefix?endpoint=https://host&region=name&pathStyle=true';

/**
 * `s3://bucket/prefix`, with `endpoint`, `region` and `pathStyle` as query or from the variables that AWS's own tools
 * read. Throws StoreLocationInvalid.
 */
export function parseS3Location(
  location: string,
  env: Readonly<Record<string, string | undefined>>,
): S3Location {
  const url = URL.parse(location);
  const bucket = url?.host ?? '';
  if (url === null || !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw invalid(location, 'it names no bucket');
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid(
      bucket,
      'keys do not belong into it, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    );
  }
  const query = Object.fromEntries(url.searchParams);
  const unknown = Object.keys(query).find(
    (name) => !['endpoint', 'region', 'pathStyle'].includes(name),
  );
  if (unknown !== undefined) throw invalid(location, `"${unknown}" is no setting of it`);
  const endpoint = query['endpoint'] || env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL'];
  if (endpoint && !/^https?:\/\/./.test(endpoint)) {
    throw invalid(location, `the endpoint ${endpoint} is no http or https URL`);
  }
  const path = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  return {
    bucket,
    prefix: path === '' ? '' : `${path}/`,
    endpoint: endpoint || undefined,
    region: query['region'] || env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || REGION,
    // What is no AWS has one name for all buckets, as a rule.
    pathStyle: flag(location, query['pathStyle'] ?? env['RLM_S3_PATH_STYLE']) ?? !!endpoint,
  };
}

function flag(location: string, text: string | undefined): boolean | undefined {
  if (text === undefined || text === '') return undefined;
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw invalid(location, `pathStyle is "${text}", expected true or false`);
}

function invalid(location: string, why: string): StoreLocationInvalid {
  return new StoreLocationInvalid(`cannot open a store at ${location}: ${why} (${FORM})`);
}
