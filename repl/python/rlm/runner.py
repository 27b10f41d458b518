"""Runs one cell. Everything it needs is captured here, so that a cell that patches builtins or modules does not break the next."""

import builtins
import gc
import json
import random
import sys
import types

from . import answer as answers
from . import edits, errors, guide, round_limits, source
from .output import NoInput
from .replies import make_reply, tell_hints_to

ECHO_CHARS = 100_000


def make(scheduler, desk, loop, tools, streams, meter, namespace, functions, switch, protected, toolbox, packages):
    base_exception, exact_type, eval_ = BaseException, type, eval
    identity = id
    plain_types = {id(t) for t in (str, bytes, int, float, complex, bool, list, tuple, dict, set, frozenset, range)}
    builtin_names = dict(vars(builtins))
    builtin_vars = vars(builtins)
    # The functions of the session. A variable may have the name of one that yields, which is then to be had again by `del`.
    reserved, yielding = ({f.__name__: f for f in some} for some in functions)
    protected.update(reserved)
    describe = errors.make(tools.name_of, packages)
    engine = edits.Edits(namespace, reserved, protected, toolbox, packages)
    out, err = streams
    state = types.SimpleNamespace(spec=None, texts=[], done=None, opened=False, kept=[], clock_ms=0.0)
    dumps, loads = json.JSONEncoder(ensure_ascii=True).encode, json.JSONDecoder().decode
    seed_random = random.seed
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
                engine.apply(edit, texts)
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

    def hide_own():
        engine.hide_own()
        for name, function in yielding.items():
            (protected.add if namespace.get(name) is function else protected.discard)(name)

    def take_charge():
        """After code of the model: its callbacks would run, and raise, inside the prelude, and its memory may be used up."""
        set_trace(None)
        set_profile(None)
        switch.headroom(True)
        restore_builtins()

    def settle():
        restore_builtins()
        sys.stdin, sys.stdout, sys.stderr = no_input, out, err
        tell_hints_to(err.write)
        namespace["__builtins__"] = builtins
        # Each cell warns anew, also of what an earlier one had on the same line.
        namespace.pop("__warningregistry__", None)
        globals().pop("__warningregistry__", None)
        for name, function in yielding.items():
            namespace.setdefault(name, function)
        namespace.update(reserved)

    def restore_builtins():
        builtin_vars.update(builtin_names)

    def run_code(text, cell_name):
        """(names bound at top level, echo or None)"""
        if not text.strip():
            return set(), None
        parts, echoes, needs_loop, stored = source.compile_cell(text, f"<cell {cell_name}>")
        loop.stand_by()
        switch.headroom(False)
        if needs_loop:
            value = loop.run(run_async(parts))
        else:
            for part in parts:
                value = eval_(part, namespace)
        if value is None or not echoes:
            return stored, None
        shown = repr(value)
        if not shown:
            return stored, None
        # Objects of the model's classes and coroutines are not kept: they end with the cell, and say what they have to say in it.
        if identity(exact_type(value)) in plain_types:
            builtin_vars["_"] = value
        return stored, shown if len(shown) <= ECHO_CHARS else shown[:ECHO_CHARS] + f"… ({len(shown):,} characters)"

    async def run_async(parts):
        """One awaits somewhere: then all of the cell runs inside the loop."""
        for part in parts:
            value = eval_(part, namespace)
            if part.co_flags & source.COROUTINE:
                value = await value
        return value

    def end_of_cell():
        notes = []
        switch.headroom(False)
        try:
            cancelled = loop.cancel_tasks()
            if cancelled:
                notes.append(f"{cancelled} asyncio task(s) still ran at the end of the cell and were cancelled: await them in the cell that starts them")
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
        note = answers.mend(namespace, tools)
        if note:
            notes.append(note)
        return notes + round_limits.notes(desk.kinds_turned_away)

    def outcome(spec, before, stored, value, error, notes):
        if notes:
            err.write("".join(f"[{note}]\n" for note in notes))
        content, ready = answers.state(namespace, tools)
        cited = answers.citations(namespace, tools)
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
            "citations": None if cited is None else keep(cited),
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
                **({} if c.extra is None else {"extra": keep(c.extra)}),
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
        engine.reset()
        settle()
        source.forget_all()
        builtin_vars.pop("_", None)
        state.opened = False
        state.clock_ms = 0.0
        seed_random(0)
        gc.collect()

    def unavailable(name):
        def refuse(*args, **kwargs):
            raise RuntimeError(f"{name}() is not available: {errors.NO_STDIN}")

        refuse.__name__ = refuse.__qualname__ = name
        return refuse

    replaced = {name: unavailable(name) for name in ("input", "breakpoint")}
    replaced |= {name: errors.Leave(name) for name in ("exit", "quit")}
    replaced["help"] = guide.Help((reserved, yielding), packages)
    builtin_names.update(replaced)
    builtin_vars.update(replaced)
    no_input = NoInput()
    return types.SimpleNamespace(
        begin=begin, poll=poll, deliver=deliver, rest=rest, forget=forget, texts=state.texts
    )
