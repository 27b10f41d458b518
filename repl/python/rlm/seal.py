"""Takes the ways from Python to JavaScript out of reach. Not a boundary: the isolate and its host are (see docs); it keeps honest code on the path."""

import sys

_HIDDEN = ("js", "pyodide", "pyodide_js", "_pyodide", "_pyodide_core", "ctypes", "_ctypes")


class _Hider:
    """First of the finders: what is hidden is not found, as any module that is not there."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in _HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def seal():
    import _pyodide._importhook as hook

    hook.jsfinder.jsproxies.clear()
    kept = [f for f in sys.meta_path if type(f).__name__ != "JsFinder" and getattr(f, "__name__", "") != "PreludeFinder"]
    sys.meta_path[:] = [_Hider, *kept]
    public = sys.modules["rlm"]
    for name in list(sys.modules):
        root, _, rest = name.partition(".")
        if root in _HIDDEN or root == "rlm" and rest:
            sys.modules.pop(name, None)
        if root == "rlm" and rest:
            vars(public).pop(rest, None)
    vars(public).pop("__path__", None)
