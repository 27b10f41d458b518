import { startStandIn } from '../support/stand-in-server.ts';

// The stand-in model server as a child of the demo: killing a worker must not kill it, and it ends with the
// demo, however that ends, because the channel between the two closes then.
const server = await startStandIn();
process.once('disconnect', () => process.exit(0));
process.send?.({ baseUrl: server.baseUrl });
