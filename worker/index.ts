export { ConfigInvalid, loadWorkerConfig, type WorkerConfig } from './config.ts';
export { parseRoles, type Role, ROLES } from './roles.ts';
export { type RunningWorker, startWorker, type StartWorkerOptions } from './start-worker.ts';
export { endTelemetry, installTelemetry } from './telemetry.ts';
export { bundleWorkflows } from './workflow-bundle.ts';
export {
  type EmbeddedServer,
  EmbeddedServerFailed,
  type EmbeddedServerOptions,
  startEmbeddedServer,
} from './embedded-server.ts';
export { findTemporalCli, type TemporalCli, TemporalCliMissing } from './temporal-cli.ts';
