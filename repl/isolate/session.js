/* oxlint-disable no-underscore-dangle -- a script for a realm of its own, whose globals are named so */
// Evaluated once, when a base image is built: loads the Python prelude and returns (as JSON) the addresses of what the
// host works with. They are part of the base image; nothing frees them.
'use strict';
(() => {
  const python = globalThis.py;
  const module = python._module;
  python.globals.set('_sources', globalThis._sources);
  python.globals.set('_host', globalThis._switch.host);
  python.runPython(globalThis._bootstrap);
  const places = python.globals.get('_places');
  for (const address of Object.values(JSON.parse(places))) module._Py_IncRef(address);
  python.runPython('del _places, _host, _sources');
  return places;
})();
