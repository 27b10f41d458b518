"""asyncio on the scheduler: an event loop whose waiting lets the other threads go on and whose time is the virtual clock."""

import asyncio
import asyncio.base_events
import asyncio.events
import asyncio.runners
import asyncio.tasks
import time

# A loop that only spins (sleep(0) until a task is done) while calls are pending counts as waiting after this many turns.
SPINS_BEFORE_WAITING = 2000
# After a delivery a loop sees the time as it was until its tasks can go no further, but for no more turns than this.
HELD_TURNS = 1000


def install(scheduler):
    class Selector:
        def __init__(self, loop):
            self._loop = loop
            self._stack = None
            self._spins = 0

        def select(self, timeout):
            if timeout is not None and timeout <= 0:
                self._spins += 1
                if scheduler.runnable > 1:
                    scheduler.pause()
                elif scheduler.pending_calls and self._spins > SPINS_BEFORE_WAITING:
                    self._wait(None)
                return ()
            self._wait(timeout)
            return ()

        def _wait(self, timeout):
            self._spins = 0
            self._stack = scheduler.current
            try:
                scheduler.park(timeout)
            finally:
                self._stack = None

        def wake(self):
            if self._stack is not None:
                scheduler.wake(self._stack)

        def close(self):
            pass

        def get_map(self):
            return {}

    class Outside:
        """Steps out of a running loop and its task, so that another loop can run on the same stack."""

        def __init__(self, loop):
            self._loop = loop

        def __enter__(self):
            if self._loop is not None:
                self._task = asyncio.tasks._swap_current_task(self._loop, None)
                asyncio.events._set_running_loop(None)

        def __exit__(self, *exc_info):
            if self._loop is not None:
                asyncio.events._set_running_loop(self._loop)
                asyncio.tasks._swap_current_task(self._loop, self._task)

    class KernelEventLoop(asyncio.base_events.BaseEventLoop):
        def __init__(self):
            super().__init__()
            self._selector = Selector(self)
            self._clock_resolution = 1e-6
            self._held = None
            self._turns = 0

        def time(self):
            return time.monotonic() if self._held is None else self._held

        def _run_once(self):
            super()._run_once()
            if self._held is not None:
                self._turns += 1
                if not self._ready or self._turns > HELD_TURNS:
                    self._held = None

        def hold_time(self):
            """Before a delivery: an answer that comes with it wins over a timeout that falls due with it."""
            self._held = time.monotonic()
            self._turns = 0

        def _process_events(self, events):
            pass

        def _write_to_self(self):
            self._selector.wake()

        async def shutdown_default_executor(self, timeout=None):
            executor, self._default_executor = self._default_executor, None
            self._executor_shutdown_called = True
            if executor is not None:
                executor.shutdown(wait=True)

        def run_until_complete(self, future):
            """Also inside a running loop: a nested call blocks the outer loop, as any blocking call would."""
            outer = asyncio.events._get_running_loop()
            if outer is None or outer is self:
                return super().run_until_complete(future)
            with Outside(outer):
                return super().run_until_complete(future)

    class Policy(asyncio.events._BaseDefaultEventLoopPolicy):
        _loop_factory = KernelEventLoop

    def new_event_loop():
        return KernelEventLoop()

    def run(main, *, debug=None, loop_factory=None):
        """Runs a coroutine and returns its result. Works inside a running loop too."""
        with Outside(asyncio.events._get_running_loop()):
            with asyncio.runners.Runner(debug=debug, loop_factory=loop_factory or KernelEventLoop) as runner:
                return runner.run(main)

    # A new stack inherits the running loop of the one that was suspended last: it has none of its own yet.
    set_running_loop = asyncio.events._set_running_loop
    scheduler.on_enter = lambda: set_running_loop(None)
    asyncio.events._set_event_loop_policy(Policy())
    asyncio.events.set_event_loop(None)
    asyncio.events._set_running_loop(None)
    for module in (asyncio, asyncio.events):
        module.new_event_loop = new_event_loop
    asyncio.run = asyncio.runners.run = run
    asyncio.create_task = asyncio.tasks.create_task = _make_create_task(scheduler)
    return KernelEventLoop


def _make_create_task(scheduler):
    original = asyncio.tasks.create_task
    running, current = asyncio.events._get_running_loop, asyncio.events.get_event_loop

    def create_task(coro, **kwargs):
        """Starts a coroutine as a task. In a cell that awaits nothing too: it runs when the cell waits, or at its end."""
        if running() is None and scheduler.current is scheduler.main:
            return current().create_task(coro, **kwargs)
        return original(coro, **kwargs)

    return create_task


_sleep, _gather, _all_tasks = asyncio.sleep, asyncio.gather, asyncio.all_tasks


class CellLoop:
    """The loop of top-level `await`: one for the life of the REPL, so that queues and locks outlive a cell."""

    def __init__(self, factory):
        self._factory = factory
        self._loop = None

    def stand_by(self):
        """Before the code of a cell: tasks made by code that awaits nothing belong to this loop."""
        if self._loop is None or self._loop.is_closed():
            self._loop = self._factory()
        asyncio.events.set_event_loop(self._loop)

    def run(self, coroutine):
        return self._loop.run_until_complete(coroutine)

    def cancel_tasks(self):
        """Gives each task that is left at the end of a cell one more turn, or its first, and cancels it. Returns how many were cancelled."""
        loop = self._loop
        if loop is None or loop.is_closed() or not self._pending():
            return 0
        loop.run_until_complete(_sleep(0))
        tasks = self._pending()
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(_gather(*tasks, return_exceptions=True))
        return len(tasks)

    def _pending(self):
        return [t for t in _all_tasks(self._loop) if not t.done()]
