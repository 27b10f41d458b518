"""Packages of a run: pure-Python wheels. Their sources stay in the heap, packed, so that no image holds them twice; their other files lie in the file system."""

import base64
import importlib.machinery
import io
import os
import re
import sys

# Where the modules seem to lie, and the other files do.
FOLDER = "/packages"
_NATIVE = re.compile(r"\.(?:so(?:\.\d+)*|pyd|dylib|dll)$", re.IGNORECASE)
# name-version.data/purelib/..., for instance: what is not for the folder of modules is of no use here.
_DATA = re.compile(r"[^/]+\.data/(?:(?:pure|plat)lib/)?")
_STANDARD_LIBRARY = sys.stdlib_module_names


class Packages:
    """Finds the modules of the wheels that were added. Stands among the finders from the first wheel on."""

    def __init__(self):
        # path below FOLDER -> (archive, name in it), of sources; and the folders that they lie in.
        self._sources = {}
        self._folders = set()
        # name -> (version, paths of sources, paths of other files)
        self._wheels = {}

    @property
    def listed(self):
        """(name, version, names to import) of each"""
        return [(name, version, sorted({path.partition("/")[0].removesuffix(".py") for path in paths})) for name, (version, paths, _) in self._wheels.items()]

    def add(self, file, text):
        """Adds a wheel, given as base64. Raises ValueError, which names it, when it cannot be used; then no module of it can be imported. Takes the place of another version."""
        import zipfile

        try:
            archive = zipfile.ZipFile(io.BytesIO(base64.b64decode(text)))
        except (ValueError, zipfile.BadZipFile) as error:
            raise ValueError(f"the package {file} is no wheel: {error}") from None
        sources, others = {}, {}
        for info in archive.infolist():
            path = _place_of(info.filename)
            if _NATIVE.search(info.filename):
                raise ValueError(f"the package {file} holds native code ({info.filename}): only pure-Python wheels can be used")
            if path is not None and not info.is_dir():
                (sources if path.endswith(".py") else others)[path] = archive, info.filename
        name, version, *_ = file.split("-")
        self._remove(name)
        try:
            for path, (_, inside) in others.items():
                place = f"{FOLDER}/{path}"
                os.makedirs(os.path.dirname(place), exist_ok=True)
                with open(place, "wb") as out:
                    out.write(archive.read(inside))
        except OSError as error:
            raise ValueError(f"the files of the package {file} find no room ({error.strerror}): give the run a larger limits.filesBytes") from None
        self._wheels[name] = version, list(sources), list(others)
        self._sources.update(sources)
        self._folders.update(path[:at] for path in sources for at in range(len(path)) if path[at] == "/")
        self._stand_among_finders()

    def _remove(self, name):
        _, sources, others = self._wheels.pop(name, ("", (), ()))
        for path in sources:
            self._sources.pop(path, None)
        for place in (f"{FOLDER}/{path}" for path in others):
            try:
                os.remove(place)
                # An empty folder would still count as the package's.
                os.rmdir(os.path.dirname(place))
            except OSError:
                # A cell has removed it, or the folder holds more.
                pass

    def _stand_among_finders(self):
        os.makedirs(FOLDER, exist_ok=True)
        if FOLDER not in sys.path:
            sys.path.append(FOLDER)
        if self not in sys.meta_path:
            # Before the finder of the file system: there a package is a folder without modules.
            before = [i for i, finder in enumerate(sys.meta_path) if finder is importlib.machinery.PathFinder]
            sys.meta_path.insert(before[0] if before else len(sys.meta_path), self)
        importlib.invalidate_caches()

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in _STANDARD_LIBRARY:
            return None
        below = name.replace(".", "/")
        for place, is_package in ((f"{below}/__init__.py", True), (f"{below}.py", False)):
            if place in self._sources:
                loader = _Loader(name, f"{FOLDER}/{place}", self)
                spec = importlib.machinery.ModuleSpec(name, loader, origin=loader.path, is_package=is_package)
                spec.has_location = True
                if is_package:
                    spec.submodule_search_locations.append(f"{FOLDER}/{below}")
                return spec
        if below in self._folders:
            spec = importlib.machinery.ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations.append(f"{FOLDER}/{below}")
            return spec
        return None

    def invalidate_caches(self):
        pass

    def source(self, path):
        """The bytes of a source, or None."""
        archive, name = self._sources.get(path.removeprefix(FOLDER + "/"), (None, None))
        return None if archive is None else archive.read(name)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name, path, packages):
        super().__init__(name, path)
        self._packages = packages

    def get_data(self, path):
        found = self._packages.source(path)
        return super().get_data(path) if found is None else found

    def path_stats(self, path):
        # Without times nothing is compiled into files.
        raise OSError(f"{path} lies in a wheel")


def _place_of(name):
    """Where a file of a wheel belongs, below FOLDER; None for one that is of no use here."""
    match = _DATA.match(name)
    if match is None:
        place = name
    elif match.group().endswith("lib/"):
        place = name[match.end() :]
    else:
        return None
    return None if place.startswith("/") or ".." in place.split("/") else place
