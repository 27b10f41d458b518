"""Locks whose waiting threads let the others go on."""

import threading
from collections import deque

# Waits move the virtual clock. Beyond this it would leave the years that datetime knows, for ever.
LONGEST_WAIT_S = threading.TIMEOUT_MAX


def make(scheduler, get_ident):
    """(Lock, RLock)"""

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

    return Lock, RLock
