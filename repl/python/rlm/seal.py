"""Takes the ways from Python to JavaScript out of reach. Not a boundary: the isolate and its host are (see docs); it keeps honest code on the path."""

import sys

_HIDDEN = ("js", "pyodide", "pyodide_js", "_pyodide", "_pyodide_core", "ctypes", "_ctypes")
_INTERNAL = ("rlm.boot", "rlm.bridge", "rlm.runner", "rlm.scheduler", "rlm.threads", "rlm.loop", "rlm.seal", "rlm.output", "rlm.answer", "rlm.variables", "rlm.calls", "rlm.search")


def seal():
    import _pyodide._importhook as hook

    hook.jsfinder.jsproxies.clear()
    sys.meta_path[:] = [f for f in sys.meta_path if type(f).__name__ not in ("JsFinder", "PreludeFinder")]
    for name in list(sys.modules):
        if name.split(".")[0] in _HIDDEN or name in _INTERNAL:
            sys.modules.pop(name, None)
    for name in (*_HIDDEN, "pyodide.ffi", "pyodide.code"):
        sys.modules[name] = None
    public = sys.modules["rlm"]
    for name in _INTERNAL:
        vars(public).pop(name.split(".")[1], None)
    vars(public).pop("__path__", None)
