import { createWriteStream } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { types } from 'node:util';
import { z } from 'zod';
import { runProgram } from './run-program.ts';
import { installCli, TEMPORAL_CLI_VERSION } from './temporal-cli-cache.ts';

/** The service that Temporal's SDKs ask where a release of the CLI is. */
export const OFFICIAL_DOWNLOADS = 'https://temporal.download';

/** What it answers. */
const DownloadInfo = z.object({
  archiveUrl: z.url(),
  fileToExtract: z.string().regex(/^\w[\w.-]*$/),
});

/** A network that drops packets must not hold set-up: the answer is one small JSON object. */
const ASK_TIMEOUT_MS = 8_000;
/** About 50 MB, on a line of 2 Mbit/s. */
const FETCH_TIMEOUT_MS = 240_000;

/** Installs the official release into the cache. Returns a phrase that says why it failed, else null. */
export async function downloadOfficialCli(
  cacheDir: string,
  service: string = OFFICIAL_DOWNLOADS,
  askTimeoutMs: number = ASK_TIMEOUT_MS,
): Promise<string | null> {
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch as string];
  const platform = { linux: 'linux', darwin: 'darwin' }[process.platform as string];
  if (arch === undefined || platform === undefined) {
    return `no automatic download for ${process.platform} ${process.arch}`;
  }
  return await installCli(cacheDir, async (path, folder) => {
    const query = new URLSearchParams({ arch, platform, format: 'tar.gz' });
    const url = `${service}/cli/v${TEMPORAL_CLI_VERSION}?${query.toString()}`;
    try {
      const answer = await fetched(url, askTimeoutMs);
      const info = DownloadInfo.parse(await answer.json());
      const archive = join(folder, 'archive.tar.gz');
      const { body } = await fetched(info.archiveUrl, FETCH_TIMEOUT_MS);
      if (body === null) return `${info.archiveUrl} is empty`;
      await pipeline(Readable.fromWeb(body), createWriteStream(archive));
      const unpack = ['-xzf', archive, '-C', folder, info.fileToExtract];
      const { failure } = await runProgram('tar', unpack, { timeoutMs: 60_000 });
      if (failure !== null) return `its archive does not unpack (${failure})`;
      const extracted = join(folder, info.fileToExtract);
      if (extracted !== path) await copyFile(extracted, path);
      return null;
    } catch (error) {
      return reasonOf(error, service, askTimeoutMs);
    }
  });
}

async function fetched(url: string, timeoutMs: number): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

function reasonOf(error: unknown, service: string, askTimeoutMs: number): string {
  if (error instanceof z.ZodError) return `${service} gave an answer of an unknown form`;
  if (!types.isNativeError(error)) return String(error);
  if (error.name === 'TimeoutError') return `${service}: no answer in ${askTimeoutMs / 1000} s`;
  // fetch says only "fetch failed"; its cause names the host.
  const { cause } = error;
  return types.isNativeError(cause) ? `${service}: ${cause.message}` : error.message;
}
