export { ConfigInvalid, loadWorkerConfig, type WorkerConfig } from './config.ts';
export { type RunningWorker, startWorker, type StartWorkerOptions } from './start-worker.ts';
export { installTelemetry } from './telemetry.ts';
export { bundleWorkflows } from './workflow-bundle.ts';
