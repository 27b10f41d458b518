# Run by pyodide.runPython in a fresh kernel: makes the package `rlm` importable from the sources that the host hands
# over, boots the session, and leaves nothing but `_places`, the addresses of its entry points. The finder goes when the kernel is sealed.
def _bootstrap():
    import importlib.machinery
    import importlib.util
    import json
    import sys

    from pyodide.ffi import run_sync

    sources = json.loads(_sources)

    class PreludeFinder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name not in sources:
                return None
            return importlib.machinery.ModuleSpec(name, PreludeFinder, is_package=name == "rlm")

        @staticmethod
        def create_module(spec):
            return None

        @staticmethod
        def exec_module(module):
            name = module.__name__
            filename = "<" + name.replace(".", "/") + ".py>"
            exec(compile(sources[name], filename, "exec"), vars(module))

    sys.meta_path.append(PreludeFinder)
    from rlm import boot, bridge

    return json.dumps(boot.boot(bridge.make(_host, run_sync)))


_places = _bootstrap()
del _bootstrap
