import type { HeapImageRef } from '../protocol/index.ts';
import type { Store } from '../store/index.ts';
import type { HostProcess } from './host/host-process.ts';
import type { HostRoom } from './host-room.ts';

/** What a step runs with: its store, the host that holds kernels, and when to stop. */
export interface StepContext {
  store: Store;
  host: HostProcess;
  room: HostRoom;
  runtime: string;
  base: HeapImageRef;
  signal: AbortSignal;
}
