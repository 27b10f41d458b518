import { memoryStore } from '../../store/index.ts';
import { runStoreTests } from './blob-store.conformance.ts';

runStoreTests('a memory store', async () => memoryStore());
