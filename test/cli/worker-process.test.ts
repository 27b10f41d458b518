import { describe, expect, test } from '@jest/globals';
import { parseReady, startWorkerProcess } from '../../cli/worker-process.ts';

describe('the line of a worker that is ready', () => {
  test('is JSON with its process ids', () => {
    const line = '{"ready":true,"pid":12,"kernelHosts":[13],"queues":["rlm"]}';
    expect(parseReady(line)).toEqual({ ready: true, pid: 12, kernelHosts: [13] });
  });

  test.each(['', 'worker ready', '{}', '{"ready":false,"pid":1,"kernelHosts":[]}', '[1]', 'null'])(
    'is not %j',
    (line) => {
      expect(parseReady(line)).toBeNull();
    },
  );
});

test('a worker that cannot start is reported in its own words', async () => {
  const env = { ...process.env, TEMPORAL_ADDRESS: '127.0.0.1:1' };
  await expect(startWorkerProcess({ env })).rejects.toThrow(
    'The worker did not start (exit code 1). It said: No Temporal server answers at 127.0.0.1:1; start one (npm run ui) or set TEMPORAL_ADDRESS.',
  );
});
