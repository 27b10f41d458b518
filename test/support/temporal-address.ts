/** Address of the Temporal server that the whole test run shares; `test/support/global-setup.ts` starts it. */
export function temporalAddress(): string {
  const address = process.env['RLM_TEST_TEMPORAL'];
  if (address === undefined) {
    throw new Error('No test server: run tests through jest.config.mjs, which starts one.');
  }
  return address;
}
