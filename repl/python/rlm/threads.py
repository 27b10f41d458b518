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

from . import locks, pools


def install(scheduler):
    main_ident = _thread.get_ident()

    def get_ident():
        stack = scheduler.current
        return main_ident if stack is None or stack is scheduler.main else main_ident + stack.id

    Lock, RLock = locks.make(scheduler, get_ident)

    class Handle:
        """What `threading.Thread` holds of a started thread."""

        def __init__(self, ident=None):
            self.ident = ident
            self._stack = None
            # The main thread outlives all others.
            self._done = ident is not None and ident != main_ident

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
    pool = pools.make(scheduler)
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
        if seconds > locks.LONGEST_WAIT_S:
            raise OverflowError("timestamp too large to convert to C PyTime_t")
        scheduler.sleep(seconds)

    return sleep
