/** Run as a process by embedded-server.test.ts, to be killed: starts a server on a database and stays. */
import { startEmbeddedServer } from '../../worker/embedded-server.ts';

const server = await startEmbeddedServer({ dbFile: process.argv[2] ?? '', log: () => {} });
console.log(JSON.stringify({ address: server.address, pid: server.pid, reused: server.reused }));
setInterval(() => {}, 60_000);
