/* oxlint-disable no-underscore-dangle, unicorn/consistent-function-scoping, unicorn/no-thenable, typescript/no-floating-promises -- a script for a realm of its own, whose globals are named so */
// Runs before Pyodide: the only JavaScript objects that Python ever holds. They are part of the start-up snapshot by
// name, so that a heap finds the ones of its own isolate.
'use strict';
globalThis._switch = (() => {
  const env = globalThis._env;
  const resolvers = new Map();
  const expected = [];
  const early = new Set();
  const bound = {
    reserve: undefined,
    enter: undefined,
    protect: undefined,
    release: undefined,
    headroom: undefined,
  };
  let fatal = null;

  const describe = (error) => {
    let text = 'unknown error';
    try {
      text = String((error && error.stack) || error).slice(0, 4000);
    } catch {
      // the error belongs to the cell and may be hostile: its text is optional
    }
    return text;
  };

  // Awaited by a stack that waits; `expect` has said which one that is.
  const gate = {
    then(resolve) {
      const id = expected.shift();
      if (early.delete(id)) resolve();
      else resolvers.set(id, resolve);
    },
  };
  const host = {
    gate,
    /** False when there is no memory for another stack. */
    spawn(id) {
      if (!bound.reserve(id)) return false;
      Promise.resolve()
        .then(() => bound.enter(id))
        .then(
          () => bound.release(id),
          (error) => {
            fatal ??= describe(error);
          },
        );
      return true;
    },
    entered: (id) => bound.protect(id),
    expect(id) {
      expected.push(id);
    },
    wake(id) {
      const resolve = resolvers.get(id);
      if (resolve === undefined) early.add(id);
      else {
        resolvers.delete(id);
        resolve();
      }
    },
    setClock: (ms) => env.setClock(ms),
    setMonotonic: (seconds) => env.setClock(seconds * 1000),
    takeRaw: (fd) => env.takeRaw(fd),
    clock: () => env.clock(),
    headroom: (on) => bound.headroom(on),
  };
  const byName = { host, ...host };

  return {
    host,
    bound,
    /** For the snapshot: a name for each object. Any other one would be lost in it. */
    nameOf(object) {
      const found = Object.entries(byName).find(([, known]) => known === object);
      if (found === undefined) throw new Error('Python holds a JavaScript object that has no name');
      return found[0];
    },
    byName: (name) => byName[name],
    fatal: () => fatal,
    suspended: () => resolvers.size > 0 || expected.length > 0,
  };
})();
