import { SEARCH_ATTRIBUTES } from '../protocol/index.ts';
import { SERVER_HOST } from './server-ports.ts';

/**
 * Settings of the server that its defaults lack: with those each activity waits 50-100 ms for the queue readers instead
 * of 11, and timers and retry delays below a second take a second. `docker-compose.yml` sets the same.
 */
export const DYNAMIC_CONFIG: Readonly<Record<string, string | number>> = {
  'history.transferProcessorMaxPollRPS': 10_000,
  'history.timerProcessorMaxPollRPS': 10_000,
  'history.visibilityProcessorMaxPollRPS': 10_000,
  'history.timerProcessorMaxTimeShift': '10ms',
};

/** Search attribute types as the CLI writes them. */
const CLI_TYPES = { KEYWORD: 'Keyword', INT: 'Int', DOUBLE: 'Double' } as const;

export interface ServerSettings {
  dbFile: string | null;
  port: number;
  uiPort: number;
  /** Besides, or instead of, the settings above. */
  dynamicConfig?: Readonly<Record<string, string | number>> | undefined;
}

/** The CLI's arguments for the embedded server. */
export function serverOptions(settings: ServerSettings): string[] {
  const { dbFile, port, uiPort } = settings;
  const pairs = Object.entries({ ...DYNAMIC_CONFIG, ...settings.dynamicConfig }).flatMap(
    ([key, value]) => ['--dynamic-config-value', `${key}=${JSON.stringify(value)}`],
  );
  const attributes = Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => [
    '--search-attribute',
    `${name}=${CLI_TYPES[type]}`,
  ]);
  return [
    'server',
    'start-dev',
    ...(dbFile === null ? [] : ['--db-filename', dbFile]),
    '--ip',
    SERVER_HOST,
    '--port',
    String(port),
    '--ui-port',
    String(uiPort),
    '--ui-disable-news-fetch',
    '--log-level',
    'error',
    ...pairs,
    ...attributes,
  ];
}
