"""Edits: variables that the engine sets before a cell's code."""

import json

from .documents import Document, Parts

_loads = json.JSONDecoder().decode


class Edits:
    """Applies edits to the namespace. `own`: the dicts and lists that the engine keeps there, by name."""

    def __init__(self, namespace, reserved, protected, toolbox, packages):
        """`reserved`: the functions of the session; `protected`: names that are no variables of the model; `toolbox` makes the functions of tools, `packages` takes wheels."""
        self._namespace = namespace
        self._reserved = reserved
        self._protected = protected
        self._toolbox = toolbox
        self._packages = packages
        self._own = {}

    def reset(self):
        self._own.clear()
        self._kept("out", dict)
        self._kept("history", list)

    def apply(self, edit, texts):
        namespace = self._namespace
        kind, name = edit["kind"], edit.get("variable")
        if kind == "set":
            self._bind(name, value_of(edit, texts))
        elif kind == "setManifest":
            value = namespace.get(name) if "merge" in edit else None
            self._bind(name, value_of_manifest(edit["entries"], texts, value if type(value) is dict else {}))
        elif kind == "setItem":
            target = namespace.get(name)
            if type(target) is not dict:
                target = namespace[name] = {}
            target[edit["key"]] = _loads(edit["json"])
        elif kind == "setItemBlob":
            self._kept(name, dict)[edit["key"]] = value_of(edit, texts)
        elif kind == "extend":
            self._kept(name, list).extend(_loads(texts[edit["text"]])[edit["field"]])
        elif kind == "addPackages":
            for package in edit["packages"]:
                self._packages.add(package["file"], texts[package["text"]])
        elif kind == "setTools":
            for gone in self._toolbox.install(_loads(texts[edit["text"]]), self._reserved):
                namespace.pop(gone, None)
            self._protected.update(self._reserved)
            namespace.update(self._reserved)
        else:
            namespace.pop(name, None)

    def hide_own(self):
        """What the engine keeps is no change of the cell; what the model has put there is."""
        for name, value in self._own.items():
            if self._namespace.get(name) is value:
                self._protected.add(name)
            else:
                self._protected.discard(name)

    def _kept(self, name, kind):
        """The engine's own dict or list. A variable of the model that has its name stays the model's."""
        value = self._own.setdefault(name, kind())
        self._namespace.setdefault(name, value)
        return value

    def _bind(self, name, value):
        self._namespace[name] = value
        if name == "input_data":
            self._namespace["context"] = value


def value_of(entry, texts):
    text = texts[entry["text"]]
    if entry["format"] != "text":
        return _loads(text)
    about = entry.get("document")
    if about is None:
        return text
    return Document.make(
        text, about.get("name", ""), about.get("pages", ()), about.get("metadata"), about.get("firstPage", 1)
    )


def value_of_manifest(entries, texts, root):
    for entry in entries:
        path, part = entry["path"], entry.get("part")
        if not path:
            if part is None:
                return value_of(entry, texts)
            if part == 0:
                root = _parts(entry)
            root.append(value_of(entry, texts))
            continue
        target = root
        for key in path[:-1]:
            if type(target.get(key)) is not dict:
                target[key] = {}
            target = target[key]
        if part is None:
            target[path[-1]] = value_of(entry, texts)
            continue
        if part == 0:
            target[path[-1]] = _parts(entry)
        target[path[-1]].append(value_of(entry, texts))
    return root


def _parts(entry):
    """The parts of one text follow each other, numbered from 0."""
    about = entry.get("document", {})
    return Parts.make([], about.get("name", ""), about.get("metadata"))
