import { memoryStore } from '../../store/index.ts';
import { runStoreTests, runUpkeepTests } from './blob-store.conformance.ts';

runStoreTests('a memory store', async () => memoryStore());
runUpkeepTests('a memory store', async () => memoryStore());
