import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { LIGHT } from './activity-options.ts';
import { observe } from './observe.ts';
import { firstInput } from './cell-input.ts';
import { runStep } from './repl-step.ts';
import type { RunContext } from './run-context.ts';

const { storeValue } = proxyActivities<Activities>(LIGHT);

/** Prints the session's variables, newest first, within what is shown of a cell. Leaves no name behind. */
const LISTING = `
def _list_variables(room=9000, each=2500):
    skipped = {"input_data", "context", "answer", "out", "history"}
    for name, value in reversed(list(globals().items())):
        if name.startswith("_") or name in skipped or callable(value) or type(value).__name__ == "module":
            continue
        try:
            text = value if isinstance(value, str) else repr(value)
        except Exception as error:
            text = f"<{type(error).__name__}>"
        if len(text) > each:
            text = f"{text[:each]}… ({len(text):,} characters)"
        room -= len(text)
        if room < 0:
            print("… and more")
            break
        print(f"{name} = {text}")

try:
    _list_variables()
finally:
    del _list_variables
`.trim();

/**
 * Shows the model what the REPL holds, for an answer without more code: results that were never printed are there. A
 * step like a cell, whose image the run does not go on with.
 */
export async function listVariables(context: RunContext): Promise<void> {
  const { state, ledger } = context;
  if (state.lastCell === null || ledger.left().computeMs === 0) return;
  const stored = await storeValue.executeWithOptions({ summary: 'code that lists the variables' }, [
    { format: 'text', text: LISTING },
  ]);
  const code = { ...stored, chars: LISTING.length, text: LISTING };
  const cell = `${state.turn + 1}.1`;
  const end = await runStep(
    context,
    `cell ${cell} · lists the variables`,
    firstInput(context, cell, code),
  );
  state.spend.computeMs += end.computeMs;
  // Code of the model runs in it, by the way of __repr__: it may wait for a call, and then there is no listing.
  if (end.kind === 'waiting') return;
  const shown = observe(context, [{ cell, end }], [], null);
  const before = state.observation;
  state.observation =
    before === null ? shown : { ...before, cells: [...before.cells, ...shown.cells] };
}
