/**
 * Python that gets hold of JavaScript: through the closures of the prelude to a JavaScript function, whose constructor's
 * constructor makes functions from text. That it works is the assumption that the sealing rests on, so it is tested too.
 */
export const REACH = `
def _reach(f):
    for cell in f.__closure__ or ():
        if type(cell.cell_contents).__name__ == "Desk":
            return type(cell.cell_contents.scheduler.switch).spawn.__closure__[0].cell_contents
def run_js(source):
    return _reach(llm_query).constructor.constructor(source)()
`;

/** A cell that runs JavaScript and then does something with the `result`, or with what was thrown. */
export function cellOfJs(source: string, then = 'print(result)'): string {
  return `${REACH}
try: result = run_js(${JSON.stringify(source)})
except Exception as error: result = f"{type(error).__name__}: {error}"
${then}`;
}
