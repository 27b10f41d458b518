import { parentPort, workerData } from 'node:worker_threads';
import { Lookup, lookUpHere } from './look-up.ts';

// The body of `lookUp`'s thread.
parentPort?.postMessage(lookUpHere(Lookup.parse(workerData)), []);
