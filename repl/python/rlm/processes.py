"""`multiprocessing` as far as threads can be it: pools. There is one process here."""

import os
import queue
import sys
import threading
import types
from concurrent.futures import wait

NO_PROCESSES = "there are no other processes here: use threads, or ThreadPoolExecutor, in which calls of models run in parallel"


class TimeoutError(Exception):
    """A result did not come in time."""


class AsyncResult:
    """What `apply_async` and `map_async` give: the results of one or more calls that run."""

    def __init__(self, futures, unpack, callback=None, error_callback=None):
        self._futures = futures
        self._unpack = unpack
        if callback or error_callback:
            self._left = len(futures)
            for future in futures:
                future.add_done_callback(lambda _: self._one_done(callback, error_callback))

    def _one_done(self, callback, error_callback):
        self._left -= 1
        if self._left:
            return
        error = next((e for e in (f.exception() for f in self._futures) if e is not None), None)
        if error is None and callback:
            callback(self.get())
        elif error is not None and error_callback:
            error_callback(error)

    def ready(self):
        return all(f.done() for f in self._futures)

    def wait(self, timeout=None):
        wait(self._futures, timeout)

    def successful(self):
        if not self.ready():
            raise ValueError(f"{self!r} not ready")
        return all(f.exception() is None for f in self._futures)

    def get(self, timeout=None):
        if wait(self._futures, timeout).not_done:
            raise TimeoutError
        results = [f.result() for f in self._futures]
        return results[0] if self._unpack else results


class Pool:
    """A pool of threads with the methods of multiprocessing.Pool. Calls to models that they make are one parallel round."""

    _make_executor = None

    def __init__(self, processes=None, initializer=None, initargs=(), maxtasksperchild=None, context=None):
        if processes is not None and processes < 1:
            raise ValueError("Number of processes must be at least 1")
        self._executor = self._make_executor(processes, initializer=initializer, initargs=initargs)
        self._closed = False

    def _submit(self, function, *args, **kwargs):
        if self._closed:
            raise ValueError("Pool not running")
        return self._executor.submit(function, *args, **kwargs)

    def apply(self, func, args=(), kwds={}):
        return self._submit(func, *args, **kwds).result()

    def apply_async(self, func, args=(), kwds={}, callback=None, error_callback=None):
        return AsyncResult([self._submit(func, *args, **kwds)], True, callback, error_callback)

    def map(self, func, iterable, chunksize=None):
        return self.map_async(func, iterable).get()

    def map_async(self, func, iterable, chunksize=None, callback=None, error_callback=None):
        return AsyncResult([self._submit(func, item) for item in iterable], False, callback, error_callback)

    def starmap(self, func, iterable, chunksize=None):
        return self.starmap_async(func, iterable).get()

    def starmap_async(self, func, iterable, chunksize=None, callback=None, error_callback=None):
        return AsyncResult([self._submit(func, *item) for item in iterable], False, callback, error_callback)

    def imap(self, func, iterable, chunksize=1):
        futures = [self._submit(func, item) for item in iterable]
        return (future.result() for future in futures)

    def imap_unordered(self, func, iterable, chunksize=1):
        left = {self._submit(func, item) for item in iterable}
        while left:
            done, left = wait(left, return_when="FIRST_COMPLETED")
            for future in done:
                yield future.result()

    def close(self):
        self._closed = True

    def terminate(self):
        self._closed = True
        self._executor.shutdown(wait=True, cancel_futures=True)

    def join(self):
        if not self._closed:
            raise ValueError("Pool is still running")
        self._executor.shutdown(wait=True)

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.terminate()


class Process:
    def __init__(self, *args, **kwargs):
        raise RuntimeError(NO_PROCESSES)


def install(thread_pool):
    """`thread_pool`: the ThreadPoolExecutor of the session."""
    Pool._make_executor = thread_pool
    package = types.ModuleType("multiprocessing", __doc__)
    names = {
        "Pool": Pool, "Process": Process, "TimeoutError": TimeoutError, "cpu_count": os.cpu_count,
        "Queue": queue.Queue, "SimpleQueue": queue.SimpleQueue, "JoinableQueue": queue.Queue,
        "Lock": threading.Lock, "RLock": threading.RLock, "Event": threading.Event, "Condition": threading.Condition,
        "Semaphore": threading.Semaphore, "BoundedSemaphore": threading.BoundedSemaphore, "Barrier": threading.Barrier,
        "current_process": threading.current_thread, "get_context": lambda method=None: package,
        "set_start_method": lambda method, force=False: None, "freeze_support": lambda: None,
    }  # fmt: skip

    def missing(name):
        raise AttributeError(f"multiprocessing.{name}: {NO_PROCESSES}")

    vars(package).update(names, __getattr__=missing, __all__=list(names))
    modules = {"multiprocessing": package}
    for name, more in (
        ("pool", {"Pool": Pool, "ThreadPool": Pool, "AsyncResult": AsyncResult, "TimeoutError": TimeoutError}),
        ("dummy", {**names, "Process": threading.Thread}),
    ):
        module = types.ModuleType(f"multiprocessing.{name}", __doc__)
        vars(module).update(more)
        setattr(package, name, module)
        modules[module.__name__] = module
    for item in (Pool, Process, AsyncResult, TimeoutError):
        item.__module__ = "multiprocessing"
    sys.modules.update(modules)
