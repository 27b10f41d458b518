"""Runs one cell. Everything it needs is captured here, so that a cell that patches builtins or modules does not break the next."""

import ast
import builtins
import gc
import inspect
import json
import linecache
import random
import sys
import traceback
import types

from . import answer as answers
from .calls import _hint_sink, make_reply

TRACEBACK_CHARS = 20_000
MESSAGE_CHARS = 900
ECHO_CHARS = 100_000
PRELUDE = "<rlm"


def make(scheduler, desk, loop, tools, streams, meter, namespace, functions, switch, protected, toolbox):
    base_exception, exact_type, isinstance_, string = BaseException, type, isinstance, str
    eval_, any_, compile_, getattr_ = eval, any, compile, getattr
    builtin_names = dict(vars(builtins))
    builtin_vars = vars(builtins)
    reserved = {f.__name__: f for f in functions}
    own = {}
    protected.update(reserved)
    TracebackException, StackSummary = traceback.TracebackException, traceback.StackSummary
    out, err = streams
    await_flag = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    state = types.SimpleNamespace(spec=None, texts=[], done=None, opened=False, kept=[], clock_ms=0.0)
    dumps, loads = json.JSONEncoder(ensure_ascii=True).encode, json.JSONDecoder().decode
    seed_random = random.seed
    # Copies: a cell may rebind what it finds in these modules.
    ast_, source_lines = types.SimpleNamespace(**vars(ast)), linecache.cache
    CO_COROUTINE = inspect.CO_COROUTINE
    monitored, free_tool = range(6), sys.monitoring.free_tool_id
    set_trace, set_profile = sys.settrace, sys.setprofile

    def begin(spec):
        """Called by the host before the cell's first stack runs. `spec` is JSON, `texts` hold the staged strings."""
        state.spec = loads(spec)
        state.done = None
        state.kept = []
        # Earlier cells may have slept ahead of the workflow's time: a clock never goes back.
        switch.set_clock(state.clock_ms)
        scheduler.reset()
        desk.reset()
        scheduler.spawn(cell)

    def cell():
        switch.headroom(True)
        spec, texts = state.spec, state.texts
        state.spec = None
        desk.limit = spec["pendingCalls"]
        meter.reset(spec["outputBytes"])
        settle()
        if not state.opened:
            state.opened = True
            seed_random(spec["randomSeed"])
        hide_own()
        before = tools.snapshot(namespace, protected)
        error = value = None
        stored = set()
        try:
            for edit in spec["edits"]:
                apply_edit(edit, texts)
            texts.clear()
            stored, value = run_code(spec["code"], spec["cell"])
        except base_exception as raised:
            # In place: a callback would raise at the start of any function, also of one that ends it.
            for tool in monitored:
                free_tool(tool)
            take_charge()
            error = describe(raised)
            raised = None
        for tool in monitored:
            free_tool(tool)
        take_charge()
        notes = end_of_cell()
        take_charge()
        state.done = outcome(spec, before, stored if error is None else (), value, error, notes)

    def take_charge():
        """After code of the model: its callbacks would run, and raise, inside the prelude, and its memory may be used up."""
        set_trace(None)
        set_profile(None)
        switch.headroom(True)
        restore_builtins()

    def settle():
        restore_builtins()
        sys.stdout, sys.stderr = out, err
        _hint_sink[0] = err.write
        namespace["__builtins__"] = builtins
        namespace.update(reserved)

    def restore_builtins():
        builtin_vars.update(builtin_names)

    def apply_edit(edit, texts):
        kind, name = edit["kind"], edit.get("variable")
        if kind == "set":
            bind(name, value_of(edit, texts))
        elif kind == "setManifest":
            value = namespace.get(name) if "merge" in edit else None
            bind(name, value_of_manifest(edit["entries"], texts, value if exact_type(value) is dict else {}))
        elif kind == "setItem":
            target = namespace.get(name)
            if exact_type(target) is not dict:
                target = namespace[name] = {}
            target[edit["key"]] = loads(edit["json"])
        elif kind == "setItemBlob":
            kept(name, dict)[edit["key"]] = value_of(edit, texts)
        elif kind == "extend":
            kept(name, list).extend(loads(texts[edit["text"]])[edit["field"]])
        elif kind == "setTools":
            for gone in toolbox.install(loads(texts[edit["text"]]), reserved):
                namespace.pop(gone, None)
            protected.update(reserved)
            namespace.update(reserved)
        else:
            namespace.pop(name, None)

    def kept(name, kind):
        """The engine's own dict or list. A variable of the model that has its name stays the model's."""
        value = own.setdefault(name, kind())
        namespace.setdefault(name, value)
        return value

    def hide_own():
        """What the engine keeps is no change of the cell; what the model has put there is."""
        for name, value in own.items():
            if namespace.get(name) is value:
                protected.add(name)
            else:
                protected.discard(name)

    def bind(name, value):
        namespace[name] = value
        if name == "input_data":
            namespace["context"] = value

    def value_of(entry, texts):
        text = texts[entry["text"]]
        return text if entry["format"] == "text" else loads(text)

    def value_of_manifest(entries, texts, root):
        for entry in entries:
            path = entry["path"]
            if not path:
                return value_of(entry, texts)
            target = root
            for key in path[:-1]:
                if exact_type(target.get(key)) is not dict:
                    target[key] = {}
                target = target[key]
            target[path[-1]] = value_of(entry, texts)
        return root

    def run_code(source, cell_name):
        """(names bound at top level, echo or None)"""
        if not source.strip():
            return set(), None
        filename = f"<cell {cell_name}>"
        source_lines[filename] = (len(source), None, source.splitlines(True), filename)
        tree = compile_(source, filename, "exec", ast_.PyCF_ONLY_AST | await_flag)
        stored = bound_names(tree)
        last = None
        if tree.body and isinstance_(tree.body[-1], ast_.Expr) and not source.rstrip().endswith(";"):
            last = ast_.Expression(tree.body.pop().value)
        parts = [compile_(tree, filename, "exec", await_flag)]
        if last is not None:
            parts.append(compile_(last, filename, "eval", await_flag))
        switch.headroom(False)
        if any_(part.co_flags & CO_COROUTINE for part in parts):
            value = loop.run(run_async(parts))
        else:
            for part in parts:
                value = eval_(part, namespace)
        if value is None:
            return stored, None
        text = repr(value)
        return stored, text if len(text) <= ECHO_CHARS else text[:ECHO_CHARS] + f"… ({len(text):,} characters)"

    async def run_async(parts):
        """One awaits somewhere: then all of the cell runs inside the loop."""
        for part in parts:
            value = eval_(part, namespace)
            if part.co_flags & CO_COROUTINE:
                value = await value
        return value

    def bound_names(tree):
        names, todo = set(), [*tree.body]
        while todo:
            node = todo.pop()
            if isinstance_(node, (ast_.FunctionDef, ast_.AsyncFunctionDef, ast_.ClassDef)):
                names.add(node.name)
                continue
            if isinstance_(node, (ast_.Lambda, ast_.ListComp, ast_.SetComp, ast_.DictComp, ast_.GeneratorExp)):
                continue
            if isinstance_(node, ast_.Name) and isinstance_(node.ctx, ast_.Store):
                names.add(node.id)
            elif isinstance_(node, (ast_.Import, ast_.ImportFrom)):
                names.update(a.asname or a.name.split(".")[0] for a in node.names)
            todo.extend(children(node))
        return names

    def children(node):
        found = []
        for field in node._fields:
            value = getattr_(node, field, None)
            found.extend(n for n in (value if exact_type(value) is list else (value,)) if isinstance_(n, ast_.AST))
        return found

    def end_of_cell():
        notes = []
        switch.headroom(False)
        try:
            cancelled = loop.cancel_tasks()
            if cancelled:
                notes.append(f"{cancelled} asyncio task(s) still ran at the end of the cell and were cancelled")
            joined, ended = scheduler.end()
            if joined:
                notes.append(f"the cell waited at its end for {joined} thread(s) that were still running")
            if ended:
                notes.append(f"{ended} daemon thread(s) were ended with the cell")
        except base_exception as raised:
            notes.append(f"while the cell ended: {describe(raised)['message']}")
        lost = [n for n, f in reserved.items() if namespace.get(n) is not f]
        if lost:
            notes.append(f"{', '.join(lost)}: reserved name(s), restored")
            namespace.update(reserved)
        note = answers.mend(namespace)
        if note:
            notes.append(note)
        return notes

    def describe(error):
        name = tools.name_of(error)
        try:
            message = string(error)
            message = string.__str__(message) if isinstance_(message, string) else ""
        except base_exception:
            message = "<the exception's own __str__ failed>"
        try:
            text = render(error)
        except base_exception:
            text = f"{name}: {message}\n(no traceback: formatting it failed)"
        if len(text) > TRACEBACK_CHARS:
            text = text[: TRACEBACK_CHARS // 2] + "\n[...]\n" + text[-TRACEBACK_CHARS // 2 :]
        return {"type": name, "message": message[:MESSAGE_CHARS], "traceback": text}

    def render(error):
        told = TracebackException(exact_type(error), error, error.__traceback__, compact=True)
        strip(told, 0)
        return "".join(told.format())

    def strip(told, depth):
        """Leaves out the frames of the prelude: the model did not write them."""
        frames = [f for f in told.stack if not f.filename.startswith(PRELUDE)]
        told.stack = StackSummary.from_list(frames)
        if depth < 20:
            for inner in (told.__cause__, told.__context__, *(told.exceptions or ())):
                if inner is not None:
                    strip(inner, depth + 1)

    def outcome(spec, before, stored, value, error, notes):
        if notes:
            err.write("".join(f"[{note}]\n" for note in notes))
        content, ready = answers.state(namespace, tools)
        raw_out, raw_err = switch.take_raw()
        stdout, stderr = out.take() + raw_out, err.take() + raw_err
        hide_own()
        changes, omitted = tools.changes(before, namespace, protected, stored)
        body = {
            "stdout": keep(stdout),
            "stderr": keep(stderr),
            "value": None if value is None else keep(value),
            "error": error and {**error, "traceback": keep(error["traceback"])},
            "changes": changes,
            "changesOmitted": omitted,
            "content": None if content is None else keep(content),
            "ready": ready,
        }
        return dumps(body)

    def keep(text):
        """A text for the host, which reads it from memory: (address, bytes, kind)."""
        return switch.keep(state.kept, text)

    def poll():
        """What the host reads when nothing runs: the outcome, or the new calls."""
        if state.done is not None:
            text, state.done = state.done, None
            return text
        if scheduler.stuck:
            return '{"stuck":true}'
        state.kept = []
        calls = [
            {
                "number": c.number,
                "kind": c.kind,
                "prompt": keep(c.prompt),
                "model": c.model,
                "tool": c.tool,
                "context": None if c.context is None else {"format": c.context[0], "text": keep(c.context[1])},
            }
            for c in desk.take()
        ]
        return dumps({"calls": calls})

    def deliver(json_text):
        body = loads(json_text)
        texts = state.texts
        replies = [(a["call"], make_reply(a, texts[a["text"]])) for a in body["answers"]]
        texts.clear()
        state.kept = []
        desk.deliver(replies)
        scheduler.advance(body["clockMs"])

    def rest():
        """After an outcome was read: nothing of the cell's machinery stays behind in the heap."""
        state.kept = []
        state.texts.clear()
        state.clock_ms = switch.clock()
        scheduler.reset()
        desk.reset()

    def forget():
        """After the warm-up, once: the session as new. What it warmed up stays."""
        namespace.clear()
        namespace.update({"__name__": "__main__", "__doc__": None, "answer": answers.fresh()})
        own.clear()
        kept("out", dict), kept("history", list)
        settle()
        source_lines.clear()
        state.opened = False
        state.clock_ms = 0.0
        seed_random(0)
        gc.collect()

    def no_input(prompt=""):
        raise RuntimeError("input() is not available: nobody sits at this session. Work with the variables that you have.")

    builtin_names["input"] = builtin_vars["input"] = no_input
    builtin_names["breakpoint"] = builtin_vars["breakpoint"] = no_input
    return types.SimpleNamespace(
        begin=begin, poll=poll, deliver=deliver, rest=rest, forget=forget, texts=state.texts
    )
