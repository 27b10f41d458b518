import { installTelemetry } from '../../worker/telemetry.ts';

// Runs that fail on purpose are warnings of the SDK; tests assert on outcomes, not on logs.
installTelemetry('ERROR');
