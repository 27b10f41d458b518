"""Stacks: the green threads of a kernel, on WebAssembly stack switching.

Owns: which stack runs, which are parked, the timers. Narrow communication: `switch` (the JavaScript side:
`spawn`, `suspend`, `wake`, `set_clock`).

S1  One stack runs at a time; control changes only in `park` and when a stack ends.
S2  While a call is pending no timer fires. With no call pending and nothing runnable the clock jumps to the next timer.
S3  The order of everything depends on the heap, the cell and the deliveries alone.
S4  Between two cells no stack exists.
"""

from heapq import heappop, heappush
from time import monotonic

# A stack that swallows the error of a deadlock and waits again is given up after this many attempts.
DEADLOCK_ATTEMPTS = 20
# Stacks at a time; each takes 120 KB of the heap, and more outside of it.
MOST_STACKS = 2000


class Deadlock(RuntimeError):
    """Every thread waits for another one: nothing could ever go on."""


class Stack:
    __slots__ = (
        "id", "fn", "daemon", "parked", "suspended", "timer", "timed_out", "injected", "joiners", "thread",
    )

    def __init__(self, number, fn, daemon):
        self.id = number
        self.fn = fn
        self.daemon = daemon
        self.parked = False
        self.suspended = False
        self.timer = 0
        self.timed_out = False
        self.injected = None
        self.joiners = []
        self.thread = None


class Scheduler:
    def __init__(self, switch):
        self.switch = switch
        self.on_enter = None
        self.reset()

    def reset(self):
        """Called at rest only, before a cell."""
        self.current = None
        self.main = None
        self.stacks = {}
        self.runnable = 0
        self.pending_calls = 0
        self.timers = []
        self.sequence = 0
        self.last_id = 0
        self.deadlocks = 0
        self.ending = False
        self.stuck = False
        self.delivered = False

    def spawn(self, fn, daemon=False):
        if len(self.stacks) >= MOST_STACKS:
            raise RuntimeError(f"can't start new thread: {MOST_STACKS} are running")
        if not self.switch.spawn(self.last_id + 1):
            raise RuntimeError("can't start new thread: there is no memory for it")
        self.last_id += 1
        stack = Stack(self.last_id, fn, daemon)
        if self.main is None:
            self.main = stack
        self.stacks[stack.id] = stack
        self.runnable += 1
        return stack

    def has_room(self):
        return len(self.stacks) < MOST_STACKS

    def enter(self, number):
        """The first frame of a stack, called by JavaScript on a fresh WebAssembly stack."""
        stack = self.stacks[number]
        self.current = stack
        self.switch.entered(number)
        try:
            self.on_enter()
            # Until here the session's reserve was open: a thread can be started when memory is almost full.
            self.switch.headroom(False)
            stack.fn()
        finally:
            del self.stacks[number]
            self.runnable -= 1
            for joiner in stack.joiners:
                self.wake(joiner)
            if self.runnable == 0 and self.stacks:
                self._idle()

    def park(self, timeout=None):
        """Waits until `wake` or the timeout (seconds of the virtual clock). False when it timed out."""
        me = self.current
        me.parked = True
        me.timed_out = False
        if timeout is not None:
            self.sequence += 1
            me.timer = self.sequence
            heappush(self.timers, (monotonic() + max(timeout, 0), self.sequence, me))
        self.runnable -= 1
        if self.runnable == 0:
            self._idle()
        if me.parked:
            me.suspended = True
            self.switch.suspend(me.id)
            me.suspended = False
            self.current = me
        error, me.injected = me.injected, None
        if error is not None:
            raise error
        return not me.timed_out

    def wake(self, stack):
        if not stack.parked:
            return
        stack.parked = False
        stack.timer = 0
        self.runnable += 1
        if stack.suspended:
            self.switch.wake(stack.id)

    def pause(self):
        """Lets the other runnable stacks go first."""
        if self.runnable > 1:
            me = self.current
            me.parked = me.suspended = True
            me.timed_out = False
            self.runnable -= 1
            self.wake(me)
            self.switch.suspend(me.id)
            me.suspended = False
            self.current = me

    def sleep(self, seconds):
        self.park(seconds)

    def advance(self, clock_ms):
        """A delivery: the clock moves. Due timers fire when those that got an answer can go no further: an answer wins."""
        self.switch.set_clock(clock_ms)
        self.delivered = True
        if self.runnable == 0:
            self._idle()

    def _fire_due(self, now):
        while self.timers and self.timers[0][0] <= now:
            _, sequence, stack = heappop(self.timers)
            if stack.timer == sequence:
                stack.timed_out = True
                self.wake(stack)

    def _idle(self):
        if self.delivered:
            self.delivered = False
            self._fire_due(monotonic())
        while self.runnable == 0 and self.pending_calls == 0:
            while self.timers and self.timers[0][2].timer != self.timers[0][1]:
                heappop(self.timers)
            if self.timers:
                due = self.timers[0][0]
                self.switch.set_monotonic(due)
                self._fire_due(max(due, monotonic()))
            elif not self._break_deadlock():
                self.stuck = True
                return

    def _break_deadlock(self):
        self.deadlocks += 1
        if self.deadlocks > DEADLOCK_ATTEMPTS or self.main is None:
            return False
        if self.main.id in self.stacks and not self.ending:
            victims = [self.main]
        else:
            victims = [s for s in self.stacks.values() if s is not self.main]
        for stack in victims:
            stack.injected = Deadlock("deadlock: every thread waits for another one, so nothing can go on")
            self.wake(stack)
        return bool(victims)

    def others(self):
        return [s for s in self.stacks.values() if s is not self.current]

    def join(self, stack, timeout=None):
        """True when the stack has ended."""
        deadline = None if timeout is None else monotonic() + timeout
        while stack.id in self.stacks and self.stacks[stack.id] is stack:
            stack.joiners.append(self.current)
            left = None if deadline is None else deadline - monotonic()
            if left is not None and left <= 0:
                return False
            self.park(left)
        return True

    def end(self):
        """End of a cell: waits for threads and pools, ends daemon threads at their next wait. Returns (joined, ended)."""
        self.ending = True
        joined = ended = 0
        while others := self.others():
            daemons = [s for s in others if s.daemon]
            if len(daemons) == len(others):
                for stack in daemons:
                    if stack.parked:
                        stack.injected = SystemExit()
                        self.wake(stack)
                ended += len(daemons)
            else:
                joined += len(others) - len(daemons)
            waiting = [s for s in others if not s.daemon] or daemons
            self.join(waiting[0])
        return joined, ended
