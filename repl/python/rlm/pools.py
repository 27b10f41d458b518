"""concurrent.futures.ThreadPoolExecutor on the scheduler."""

import concurrent.futures._base
import concurrent.futures.thread
import threading
from collections import deque

# `max_workers` below this does not make rounds narrower: a pool bounds machines, and here it has none to bound.
NARROWEST_POOL = 64
WIDEST_POOL = 512


def make(scheduler):
    Future = concurrent.futures._base.Future
    BrokenThreadPool = concurrent.futures.thread.BrokenThreadPool

    class ThreadPoolExecutor(concurrent.futures._base.Executor):
        """Runs functions in parallel threads. Calls to models that they make are one parallel round.

        `max_workers` does not narrow a round below 64.
        """

        def __init__(self, max_workers=None, thread_name_prefix="", initializer=None, initargs=(), **ignored):
            if max_workers is not None and max_workers <= 0:
                raise ValueError("max_workers must be greater than 0")
            if initializer is not None and not callable(initializer):
                raise TypeError("initializer must be a callable")
            self._max_workers = WIDEST_POOL if max_workers is None else max(max_workers, NARROWEST_POOL)
            self._prefix = thread_name_prefix or "ThreadPoolExecutor"
            self._initializer = initializer
            self._initargs = initargs
            self._items = deque()
            self._working = 0
            self._threads = set()
            self._shutdown = False
            self._broken = None
            self._drained = []

        def submit(self, fn, /, *args, **kwargs):
            if self._broken is not None:
                raise BrokenThreadPool(self._broken)
            if self._shutdown:
                raise RuntimeError("cannot schedule new futures after shutdown")
            future = Future()
            self._items.append((future, fn, args, kwargs))
            if self._working < self._max_workers and (self._working == 0 or scheduler.has_room()):
                try:
                    _Worker(self, f"{self._prefix}_{self._working}").start()
                except RuntimeError:
                    self._items.pop()
                    raise
                self._working += 1
            return future

        def _work(self):
            try:
                if self._initializer is not None:
                    try:
                        self._initializer(*self._initargs)
                    except BaseException as error:
                        self._broken = f"the initializer of the pool failed: {error!r}"
                        while self._items:
                            self._items.popleft()[0].set_exception(BrokenThreadPool(self._broken))
                        return
                while self._items:
                    future, fn, args, kwargs = self._items.popleft()
                    if not future.set_running_or_notify_cancel():
                        continue
                    try:
                        result = fn(*args, **kwargs)
                    except BaseException as error:
                        future.set_exception(error)
                        if isinstance(error, SystemExit) and scheduler.ending:
                            return
                        error = None
                    else:
                        future.set_result(result)
                    del future, fn, args, kwargs
            finally:
                self._working -= 1
                if self._working == 0:
                    drained, self._drained = self._drained, []
                    for stack in drained:
                        scheduler.wake(stack)

        def shutdown(self, wait=True, *, cancel_futures=False):
            self._shutdown = True
            if cancel_futures:
                items, self._items = self._items, deque()
                for item in items:
                    item[0].cancel()
            if wait:
                while self._working:
                    self._drained.append(scheduler.current)
                    scheduler.park()

    class _Worker(threading.Thread):
        """A thread of a pool: lives as long as there is work, so that none is left at the end of a cell."""

        def __init__(self, pool, name):
            super().__init__(name=name)
            self._pool = pool

        def start(self):
            threading._start_joinable_thread(self._run, handle=self._os_thread_handle, daemon=False)

        def _run(self):
            self._ident = threading.get_ident()
            self._started.set()
            threading._active[self._ident] = self
            try:
                self._pool._work()
            finally:
                threading._active.pop(self._ident, None)

    ThreadPoolExecutor.__module__ = "concurrent.futures.thread"
    ThreadPoolExecutor.__qualname__ = "ThreadPoolExecutor"
    return ThreadPoolExecutor
