import { mkdir } from 'node:fs/promises';
import type { Home } from './home.ts';
import { say } from './output.ts';
import { addUser, otherUsers, removeUser } from './server-users.ts';

/** The embedded server of a home, started by this process or found running. */
export interface EmbeddedHandle {
  readonly address: string;
  readonly uiUrl: string | null;
  readonly pid: number;
  /** True when this process started it and will stop it. */
  readonly owned: boolean;
  /** Call when done. The owner stops the server, after waiting for other processes that still use it. */
  release(): Promise<void>;
}

/** Time between two looks at who still uses the server, ms. */
const LOOK_MS = 200;

/**
 * The embedded server on this home's database: the one that runs there, else a new one. One server per database,
 * so commands that run at the same time share it.
 */
export async function openEmbedded(
  home: Home,
  log: (line: string) => void,
): Promise<EmbeddedHandle> {
  const { startEmbeddedServer } = await import('../worker/index.ts');
  await mkdir(home.dir, { recursive: true });
  const server = await startEmbeddedServer({ dbFile: home.dbFile, log });
  await addUser(home.dir);
  const owned = !server.reused;
  return {
    address: server.address,
    uiUrl: server.uiUrl,
    pid: server.pid,
    owned,
    release: async () => {
      await removeUser(home.dir);
      if (!owned) return;
      await waitForOthers(home.dir);
      await server.stop();
    },
  };
}

async function waitForOthers(homeDir: string): Promise<void> {
  let told = false;
  for (;;) {
    const others = await otherUsers(homeDir);
    if (others.length === 0) return;
    if (!told) {
      say(`Still serving process ${others.join(', ')}, which uses the same server (Ctrl-C: stop).`);
      told = true;
    }
    await new Promise((done) => setTimeout(done, LOOK_MS));
  }
}
