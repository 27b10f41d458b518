import { createServer, connect, type Socket } from 'node:net';

/** The network between the workers and the model server, which can be cut and slowed down. */
export interface ModelLink {
  /** For `OPENAI_BASE_URL`. */
  readonly baseUrl: string;
  /** Cuts all connections, and refuses new ones for a while. Resolves when it serves again. Returns how many were cut. */
  drop(forMs: number): Promise<number>;
  /** Holds every piece of data back for `byMs`, for a while. */
  slow(forMs: number, byMs: number): Promise<number>;
  close(): Promise<void>;
}

/** A TCP relay to a port of this machine. */
export async function openModelLink(port: number): Promise<ModelLink> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let holdMs = 0;

  const relay = (from: Socket, to: Socket): void => {
    let queue = Promise.resolve();
    from.on('data', (bytes: Buffer) => {
      queue = passOn(queue, holdMs, () => to.destroyed || to.write(bytes));
    });
    from.on('end', () => void queue.then(() => to.end()));
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      void queue.then(() => to.end());
    });
  };
  const server = createServer((socket) => {
    if (isCut) {
      socket.resetAndDestroy();
      return;
    }
    const upstream = connect(port, '127.0.0.1');
    sockets.add(socket).add(upstream);
    relay(socket, upstream);
    relay(upstream, socket);
  });
  server.unref();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the relay has no port');
  const cut = (): number => {
    const open = sockets.size;
    for (const socket of sockets) socket.resetAndDestroy();
    sockets.clear();
    return open / 2;
  };
  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    drop: async (forMs) => {
      isCut = true;
      const connections = cut();
      await pause(forMs);
      isCut = false;
      return connections;
    },
    slow: async (forMs, byMs) => {
      holdMs = byMs;
      const connections = sockets.size / 2;
      await pause(forMs);
      holdMs = 0;
      return connections;
    },
    close: async () => {
      cut();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

/** After what came before, and a while later. */
async function passOn(before: Promise<void>, waitMs: number, pass: () => void): Promise<void> {
  await before;
  if (waitMs > 0) await pause(waitMs);
  pass();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
