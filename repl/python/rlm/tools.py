"""Tools and people: functions that somebody outside of the session answers."""

import inspect
import json
from types import SimpleNamespace

from .calls import Reply

QUESTION_CHARS = 20_000


def make_ask_human(desk):
    def ask_human(question: str) -> Reply:
        """Ask a person and wait for the answer, however long that takes. Returns it as a string.

        Use it for what only a person can know or decide: which of two readings is meant, whether to go on at a cost.
        Ask everything at once, in one question that says what you have found and what you need.
            choice = ask_human("Two contracts match: 2019 and 2021. Which one do you mean?")
        """
        if not isinstance(question, str):
            raise TypeError(f"ask_human() takes a question of type str, not {type(question).__name__}")
        if not question.strip():
            raise ValueError("ask_human() was given an empty question")
        if len(question) > QUESTION_CHARS:
            raise ValueError(f"ask_human() takes a question of at most {QUESTION_CHARS:,} characters; this one has {len(question):,}")
        return desk.wait([desk.ask("human", str.__str__(question))])[0]

    return ask_human


def make_toolbox(desk, future_of):
    """`install(toolbox, functions)`: puts the functions of a toolbox (see `Toolbox` in protocol/tool.ts) into a dict by name, and takes those of an earlier one out."""
    bind, signature_of, parameter_of = inspect.Signature.bind, inspect.Signature, inspect.Parameter
    dumps, loads = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode, json.JSONDecoder().decode
    installed = []

    def function_of(tool):
        name, parameters = tool["name"], tool["parameters"]
        signature = signature_of([as_parameter(p) for p in parameters], return_annotation=Reply)
        by_name = {p["name"]: p for p in parameters}

        def arguments_of(args, kwargs):
            try:
                given = bind(signature, *args, **kwargs).arguments
            except TypeError as error:
                raise TypeError(f"{name}() {error}; it is {name}{tool['signature']}") from None
            chosen = {}
            for key, parameter in by_name.items():
                if key in given:
                    value = given[key]
                    # None stands for an optional argument that is not given, unless the tool itself knows null.
                    if value is not None or parameter["required"] or parameter["nullable"]:
                        chosen[parameter["property"]] = value
                elif "default" in parameter:
                    chosen[parameter["property"]] = loads(parameter["default"])
            try:
                return dumps(chosen)
            except (TypeError, ValueError) as error:
                raise TypeError(f"{name}() takes values that JSON can hold: {error}") from None

        def call(*args, **kwargs):
            return desk.wait([desk.ask("tool", arguments_of(args, kwargs), tool=name)])[0]

        async def call_async(*args, **kwargs):
            return await future_of(desk.ask("tool", arguments_of(args, kwargs), tool=name))

        dressed(call, name, signature, tool["doc"])
        dressed(call_async, name + "_async", signature, f"Like {name}, for asyncio.\n\n{tool['doc']}")
        return call, call_async

    def as_parameter(p):
        kind = parameter_of.POSITIONAL_OR_KEYWORD if p["required"] else parameter_of.KEYWORD_ONLY
        default = parameter_of.empty if p["required"] else loads(p["default"]) if "default" in p else None
        return parameter_of(p["name"], kind, default=default, annotation=Type(p["type"]))

    def dressed(function, name, signature, doc):
        function.__name__ = function.__qualname__ = name
        function.__module__ = "rlm"
        function.__doc__ = doc
        function.__signature__ = signature

    def install(toolbox, functions):
        for name in installed:
            functions.pop(name, None)
        gone = list(installed)
        installed.clear()
        for tool in toolbox["functions"]:
            for function in function_of(tool):
                if function.__name__ in functions:
                    raise ValueError(f"the tool {tool['name']!r} has the name of a function of the session: {function.__name__}")
                functions[function.__name__] = function
                installed.append(function.__name__)
        return gone

    return SimpleNamespace(install=install)


class Type:
    """An annotation that is shown as it is written: the types of a JSON Schema are names only."""

    __slots__ = ("text",)

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return self.text
