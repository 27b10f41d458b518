import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';

/** Which server was started last on a database; it may run still. */
export const ServerFile = z.object({
  pid: z.int().positive(),
  port: z.int().positive(),
  uiPort: z.int().positive(),
  /** The process that started it, with which it ends. */
  owner: z.object({ pid: z.int().positive(), command: z.string() }),
});
export type ServerFile = z.infer<typeof ServerFile>;

/** Survives a crash of this process in whole or not at all. */
export async function writeServerFile(dbFile: string, content: ServerFile): Promise<void> {
  const path = pathOf(dbFile);
  await writeFile(`${path}.new`, `${JSON.stringify(content)}\n`);
  await rename(`${path}.new`, path);
}

/** Null when there is none that can be read: then no server is assumed. */
export async function readServerFile(dbFile: string): Promise<ServerFile | null> {
  try {
    return ServerFile.parse(JSON.parse(await readFile(pathOf(dbFile), 'utf8')));
  } catch {
    return null;
  }
}

function pathOf(dbFile: string): string {
  return `${dbFile}.server.json`;
}
