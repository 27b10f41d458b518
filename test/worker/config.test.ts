import { describe, expect, test } from '@jest/globals';
import { ConfigInvalid, loadWorkerConfig } from '../../worker/config.ts';
import { parseRoles } from '../../worker/roles.ts';

describe('the configuration of a worker', () => {
  test('has a version only when both of its names are given', () => {
    expect(loadWorkerConfig({}).version).toBeNull();
    expect(loadWorkerConfig({ RLM_BUILD_ID: '1' }).version).toBeNull();
    const both = { RLM_DEPLOYMENT: 'rlm', RLM_BUILD_ID: '1' };
    expect(loadWorkerConfig(both).version).toEqual({ deploymentName: 'rlm', buildId: '1' });
  });

  test.each([
    [{ RLM_DEPLOYMENT: 'rlm' }, 'Set RLM_BUILD_ID: a version of the deployment RLM_DEPLOYMENT.'],
    [
      { RLM_DEPLOYMENT: 'a.b', RLM_BUILD_ID: '1' },
      'Set RLM_DEPLOYMENT right: it may not contain a dot.',
    ],
    [
      { RLM_HOST_QUEUE: 'yes' },
      'Set RLM_HOST_QUEUE right: Invalid option: expected one of "0"|"1".',
    ],
  ])('%j is refused', (env, message) => {
    expect(() => loadWorkerConfig(env)).toThrow(new ConfigInvalid(message));
  });

  test('counts drains in seconds and keeps kernels unless told not to', () => {
    const { drainCallsMs, drainCellsMs, hostQueue, stickyMs } = loadWorkerConfig({
      RLM_DRAIN_CELLS_SECONDS: '0.5',
    });
    expect([drainCallsMs, drainCellsMs, hostQueue, stickyMs]).toEqual([600_000, 500, true, 500]);
    expect(loadWorkerConfig({ RLM_HOST_QUEUE: '0' }).hostQueue).toBe(false);
  });
});

test('roles are named with commas, in any order', () => {
  expect([...parseRoles('repl, workflow')].toSorted()).toEqual(['repl', 'workflow']);
  expect(() => parseRoles('repl,')).toThrow(
    new ConfigInvalid('There is no role "": name some of workflow,model,repl.'),
  );
});
