/** What the whole test run shares; `global-setup.ts` makes it. */
export function temporalAddress(): string {
  return fromSetup('RLM_TEST_TEMPORAL');
}

export function workflowBundlePath(): string {
  return fromSetup('RLM_TEST_BUNDLE');
}

function fromSetup(name: string): string {
  const value = process.env[name];
  if (value === undefined)
    throw new Error('Run tests through jest.config.mjs: its set-up makes what they share.');
  return value;
}
