"""Puts the session together. Runs once, when a kernel boots; what it leaves behind is part of the base image."""

import concurrent.futures
import gc
import random
import sys
import types

from . import answer, calls, chunks, documents, errors, loop, output, packages, passages, processes, quoting, ranking, replies, runner, scheduler, seal, search, tables, threads, variables
from .tools import make_ask_human, make_toolbox


def boot(switch):
    stacks = scheduler.Scheduler(switch)
    threads.install(stacks)
    processes.install(concurrent.futures.ThreadPoolExecutor)
    errors.install_warnings()
    event_loop = loop.install(stacks)
    import asyncio

    main = types.ModuleType("__main__")
    namespace = vars(main)
    namespace.clear()
    namespace.update({"__name__": "__main__", "__doc__": None, "answer": answer.fresh()})
    text_types = (replies.Reply, documents.Document, documents.Passage)
    list_types = (documents.Parts, passages.Passages, tables.Table)
    dict_types = (passages.Hits,)
    tools = variables.make(text_types, list_types, dict_types)
    desk = calls.Desk(stacks)
    meter = output.Meter()
    streams = (output.Stream(meter, "<stdout>"), output.Stream(meter, "<stderr>"))
    future_of = calls.make_future_of(desk, asyncio)
    functions = [
        search.search_text,
        search.search_all,
        chunks.chunk_text,
        *calls.make_functions(desk, future_of),
        make_ask_human(desk),
        *answer.make_functions(namespace, tools),
    ]
    # Their names are words that a cell may want for a variable: then they give way.
    yielding = [ranking.rank, quoting.quote, tables.describe, tables.group_by, replies.ok]
    protected = {"input_data", "context", "answer"}
    functions.append(variables.make_show_vars(tools, namespace, protected))
    toolbox = make_toolbox(desk, future_of)
    public = sys.modules["rlm"]
    for item in (*functions, *yielding, *text_types, *list_types, *dict_types):
        item.__module__ = "rlm"
        item.__qualname__ = item.__name__
        setattr(public, item.__name__, item)
    wheels = packages.Packages()
    random.seed(0)
    cell_loop = loop.CellLoop(event_loop)
    made = runner.make(stacks, desk, cell_loop, tools, streams, meter, namespace, (functions, yielding), switch, protected, toolbox, wheels)

    def settle():
        """In every kernel, when its start-up snapshot was loaded: what Pyodide did meanwhile is sealed off, and all is as the first cell finds it."""
        sys.modules["__main__"] = main
        sys.path[:] = [p for i, p in enumerate(sys.path) if p and p not in sys.path[:i]]
        sys.stdin = sys.__stdin__ = sys.__stdout__ = sys.__stderr__ = None
        sys.stdout, sys.stderr = streams
        seal.seal()
        gc.freeze()

    if hasattr(sys, "addaudithook"):
        del sys.addaudithook
    entries = {
        "enter": stacks.enter,
        "begin": made.begin,
        "poll": made.poll,
        "deliver": made.deliver,
        "rest": made.rest,
        "forget": made.forget,
        "settle": settle,
        "texts": made.texts,
        "stdout": streams[0].held,
        "stderr": streams[1].held,
        "Document": documents.Document,
    }
    # The host counts a reference to each before these names are gone.
    _kept.update(entries)
    return {name: id(entry) for name, entry in entries.items()}


_kept = {}
