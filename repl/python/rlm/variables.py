"""What a cell changed, told without ever running the model's own code: only exact builtin types are looked into."""

import types

PREVIEW_CHARS = 80
# Changes that are told one by one; an outcome lists fewer, the rest is counted.
ROWS = 200
NAME_CHARS = 200
_HIDDEN = ("In", "Out", "exit", "quit")


def make(public_types, list_types=(), dict_types=()):
    """`public_types`: str subclasses of the prelude, shown as strings; `list_types` and `dict_types`: its subclasses of those, shown as lists and dicts."""
    # By identity: hashing and comparing a class runs code of its metaclass.
    text_types = {id(t) for t in (str, *public_types)}
    listed, mapped = ({id(t) for t in types} for types in (list_types, dict_types))
    list_len, dict_len, list_getitem, dict_copy = list.__len__, dict.__len__, list.__getitem__, dict.copy
    sized = {id(t) for t in (bytes, bytearray, list, tuple, dict, set, frozenset, range)}
    base_classes = type.__dict__["__mro__"].__get__
    type_name = type.__dict__["__name__"].__get__
    str_len, str_repr, str_getitem = str.__len__, str.__repr__, str.__getitem__
    exact_type, identity, bytes_repr = type, id, bytes.__repr__
    ModuleType = types.ModuleType

    def name_of(value):
        try:
            name = type_name(exact_type(value))
            return name[:100] if exact_type(name) is str else "object"
        except BaseException:
            return "object"

    def size_of(value):
        kind = exact_type(value)
        if identity(kind) in text_types:
            return str_len(value)
        if identity(kind) in listed:
            return list_len(value)
        if identity(kind) in mapped:
            return dict_len(value)
        return len(value) if identity(kind) in sized else None

    def preview(value, room=PREVIEW_CHARS, depth=0):
        kind = exact_type(value)
        if identity(kind) in text_types:
            length = str_len(value)
            cut = str_getitem(value, slice(0, room))
            return str_repr(cut)[: room + 2] + ("…" if length > room else "")
        if value is None or kind is bool:
            return str(value)
        if kind is int:
            return str(value) if value.bit_length() < 200 else f"int of {value.bit_length()} bits"
        if kind is float or kind is complex:
            return repr(value)
        if kind is bytes or kind is bytearray:
            return bytes_repr(bytes(value[: room // 2]))[:room] + ("…" if len(value) > room // 2 else "")
        if kind is range:
            return repr(value)
        # By the methods of the builtin types: a cell may have replaced those of the subclass.
        if identity(kind) in listed:
            return _preview_items(list_getitem(value, slice(0, room)), list, room, depth)
        if identity(kind) in mapped:
            return _preview_items(dict_copy(value), dict, room, depth)
        if kind is list or kind is tuple or kind is set or kind is frozenset or kind is dict:
            return _preview_items(value, kind, room, depth)
        if any(base is ModuleType for base in base_classes(kind)):
            return "module"
        return f"<{name_of(value)}>"

    def _preview_items(value, kind, room, depth):
        opening, closing = {list: "[]", tuple: "()", dict: "{}"}.get(kind, "{}")
        if not len(value):
            return "set()" if kind in (set, frozenset) else opening + closing
        if depth >= 2:
            return opening + "…" + closing
        parts, used = [], 0
        # Not by key: looking one up runs its own code.
        for item in value.items() if kind is dict else value:
            if kind is dict:
                part = preview(item[0], 30, depth + 1) + ": " + preview(item[1], 30, depth + 1)
            else:
                part = preview(item, 30, depth + 1)
            if used + len(part) > room - 2:
                parts.append("…")
                break
            parts.append(part)
            used += len(part) + 2
        return opening + ", ".join(parts) + closing

    def snapshot(namespace, reserved):
        """name -> (identity, identity of the type, size) of the variables that are the model's own."""
        return {
            name: (identity(value), identity(exact_type(value)), size_of(value))
            for name, value in namespace.items()
            if exact_type(name) is str
            and not name.startswith("_")
            and name not in reserved
            and name not in _HIDDEN
            and exact_type(value) is not ModuleType
        }

    def changes(before, namespace, reserved, stored):
        """Rows (name, change, type, size, preview), in the order new and changed, deleted; and how many more there are."""
        after = snapshot(namespace, reserved)
        rows = []
        omitted = 0
        for name, now in after.items():
            was = before.get(name)
            change = "new" if was is None else "changed" if was != now or name in stored else None
            if change and len(rows) >= ROWS:
                omitted += 1
            elif change:
                value = namespace[name]
                rows.append((name[:NAME_CHARS], change, name_of(value), now[2], preview(value)))
        for name, was in before.items():
            if name not in after:
                if len(rows) >= ROWS:
                    omitted += 1
                else:
                    rows.append((name[:NAME_CHARS], "deleted", "", None, ""))
        return rows, omitted

    return types.SimpleNamespace(
        name_of=name_of, size_of=size_of, preview=preview, snapshot=snapshot, changes=changes
    )


class _Shown:
    """What SHOW_VARS() gives: everything is printed already, and print(SHOW_VARS()) adds no more."""

    __slots__ = ()

    def __repr__(self):
        return ""


SHOWN = _Shown()


def make_show_vars(tools, namespace, reserved):
    def SHOW_VARS():
        """Print the variables that you have set: name, type, size and the beginning of the value."""
        rows = [
            (name, tools.name_of(value), tools.size_of(value), tools.preview(value, 60))
            for name, value in namespace.items()
            if type(name) is str
            and not name.startswith("_")
            and (name not in reserved or name in ("input_data", "answer"))
            and type(value) is not types.ModuleType
        ]
        if not rows:
            print("no variables yet")
        for name, kind, size, text in rows:
            print(f"{name}: {kind}" + ("" if size is None else f" of {size:,}") + f" = {text}")
        return SHOWN

    return SHOW_VARS
