"""threading, queue and concurrent.futures on the scheduler.

Only the lowest layer is replaced (locks, idents, the start of a thread, sleeping); what CPython builds on it
(Condition, Event, Semaphore, Barrier, Queue, Future, as_completed, wait) is CPython's own.
"""

import _thread
import concurrent.futures
import concurrent.futures._base
import concurrent.futures.thread
import queue
import threading
import time
from _threading_local import local as _python_local
from collections import deque

# `max_workers` below this does not make rounds narrower: a pool bounds machines, and here it has none to bound.
NARROWEST_POOL = 64
WIDEST_POOL = 512
# Waits move the virtual clock. Beyond this it would leave the years that datetime knows, for ever.
LONGEST_WAIT_S = threading.TIMEOUT_MAX


def install(scheduler):
    main_ident = _thread.get_ident()

    def get_ident():
        stack = scheduler.current
        return main_ident if stack is None or stack is scheduler.main else main_ident + stack.id

    class Lock:
        """A lock whose waiting threads let the others go on."""

        def __init__(self):
            self._holder = False
            self._waiting = deque()

        def acquire(self, blocking=True, timeout=-1):
            if not blocking and timeout != -1:
                raise ValueError("can't specify a timeout for a non-blocking call")
            if timeout < 0 and timeout != -1:
                raise ValueError("timeout value must be a non-negative number")
            if timeout > LONGEST_WAIT_S:
                raise OverflowError("timeout value is too large")
            if not self._holder:
                self._holder = True
                return True
            if not blocking or timeout == 0:
                return False
            me = scheduler.current
            ticket = [me]
            self._waiting.append(ticket)
            try:
                granted = scheduler.park(None if timeout == -1 else timeout)
            except BaseException:
                if ticket[0] is None:
                    self.release()
                else:
                    self._waiting.remove(ticket)
                raise
            if not granted and ticket[0] is not None:
                self._waiting.remove(ticket)
                return False
            return True

        def release(self):
            if not self._holder:
                raise RuntimeError("release unlocked lock")
            # The lock passes straight to the first that waits: first come, first served.
            while self._waiting:
                ticket = self._waiting.popleft()
                stack, ticket[0] = ticket[0], None
                if stack.parked:
                    scheduler.wake(stack)
                    return
            self._holder = False

        def locked(self):
            return self._holder

        __enter__ = acquire

        def __exit__(self, *exc_info):
            self.release()

        def _at_fork_reinit(self):
            self.__init__()

        def __repr__(self):
            return f"<{'locked' if self._holder else 'unlocked'} lock>"

    class RLock:
        """A lock that its holder may acquire again."""

        def __init__(self):
            self._block = Lock()
            self._owner = None
            self._count = 0

        def acquire(self, blocking=True, timeout=-1):
            me = get_ident()
            if self._owner == me:
                self._count += 1
                return True
            got = self._block.acquire(blocking, timeout)
            if got:
                self._owner = me
                self._count = 1
            return got

        __enter__ = acquire

        def release(self):
            if self._owner != get_ident():
                raise RuntimeError("cannot release un-acquired lock")
            self._count -= 1
            if not self._count:
                self._owner = None
                self._block.release()

        def __exit__(self, *exc_info):
            self.release()

        def locked(self):
            return self._count > 0

        def _at_fork_reinit(self):
            self.__init__()

        def _acquire_restore(self, state):
            self._block.acquire()
            self._count, self._owner = state

        def _release_save(self):
            state = (self._count, self._owner)
            self._count = 0
            self._owner = None
            self._block.release()
            return state

        def _recursion_count(self):
            return self._count if self._owner == get_ident() else 0

        def _is_owned(self):
            return self._owner == get_ident()

    class Handle:
        """What `threading.Thread` holds of a started thread."""

        def __init__(self, ident=None):
            self.ident = ident
            self._stack = None
            self._done = ident is not None

        def is_done(self):
            return self._done

        def join(self, timeout=None):
            if self._stack is not None and self._stack is scheduler.current:
                raise RuntimeError("Cannot join current thread")
            if self._stack is not None and not self._done:
                scheduler.join(self._stack, timeout)

        def _set_done(self):
            self._done = True

    def start_joinable_thread(function, handle=None, daemon=True):
        handle = Handle() if handle is None else handle

        def body():
            try:
                function()
            except SystemExit:
                pass
            finally:
                handle._done = True

        handle._stack = scheduler.spawn(body, daemon)
        handle.ident = main_ident + handle._stack.id
        return handle

    def start_new_thread(function, args, kwargs=None):
        return start_joinable_thread(lambda: function(*args, **(kwargs or {}))).ident

    def make_main_thread_handle():
        return Handle(main_ident)

    for module in (_thread, threading):
        module.RLock = RLock
        module.get_ident = get_ident
    _thread.allocate_lock = _thread.allocate = _thread.lock = _thread.LockType = Lock
    _thread.start_new_thread = _thread.start_new = start_new_thread
    _thread.start_joinable_thread = start_joinable_thread
    _thread._ThreadHandle = Handle
    _thread._make_thread_handle = Handle
    _thread._get_main_thread_ident = lambda: main_ident
    threading.Lock = threading._allocate_lock = threading._LockType = Lock
    threading._CRLock = RLock
    threading._start_joinable_thread = start_joinable_thread
    threading._start_new_thread = start_new_thread
    threading._ThreadHandle = Handle
    threading._make_thread_handle = Handle
    threading._active_limbo_lock = RLock()
    threading._shutdown_locks_lock = Lock()
    threading.local = _python_local
    threading.main_thread()._os_thread_handle = make_main_thread_handle()
    time.sleep = _make_sleep(scheduler)
    queue.SimpleQueue = queue._PySimpleQueue
    pool = _make_pool(scheduler)
    concurrent.futures.ThreadPoolExecutor = concurrent.futures.thread.ThreadPoolExecutor = pool
    # There are no processes here: a process pool is a thread pool.
    concurrent.futures.ProcessPoolExecutor = pool
    concurrent.futures.thread._global_shutdown_lock = Lock()
    concurrent.futures._base.threading = threading
    return get_ident


def _make_sleep(scheduler):
    def sleep(seconds):
        """sleep(seconds): the virtual clock moves on; nobody waits."""
        if seconds != seconds:
            raise ValueError("Invalid value NaN (not a number)")
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        if seconds > LONGEST_WAIT_S:
            raise OverflowError("timestamp too large to convert to C PyTime_t")
        scheduler.sleep(seconds)

    return sleep


def _make_pool(scheduler):
    Future = concurrent.futures._base.Future
    BrokenExecutor = concurrent.futures._base.BrokenExecutor

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
                raise BrokenExecutor(self._broken)
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
                            self._items.popleft()[0].set_exception(BrokenExecutor(self._broken))
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
