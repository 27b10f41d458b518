"""The few JavaScript functions that the session uses, captured once: no other JavaScript object is ever held by the heap."""

import asyncio

# Where the characters of a compact ASCII str, and the bytes of a bytes object, begin (CPython 3.14, wasm32).
# Checked when the base image is built.
ASCII_HEADER = 20
BYTES_HEADER = 16


def make(host, run_sync):
    js_spawn, js_entered, js_expect, js_wake = host.spawn, host.entered, host.expect, host.wake
    js_set_clock, js_set_monotonic, js_take_raw = host.setClock, host.setMonotonic, host.takeRaw
    js_clock, js_headroom, gate = host.clock, host.headroom, host.gate
    identity, length = id, str.__len__
    ensure_future = asyncio.ensure_future

    def ensure_future_or_gate(coro_or_future, *, loop=None):
        # run_sync passes everything through asyncio.ensure_future; the gate is no awaitable of a loop but the switch itself.
        return gate if coro_or_future is gate else ensure_future(coro_or_future, loop=loop)

    ensure_future_or_gate.__name__ = ensure_future_or_gate.__qualname__ = "ensure_future"
    ensure_future_or_gate.__doc__ = ensure_future.__doc__
    asyncio_names = vars(asyncio)
    asyncio_names["ensure_future"] = ensure_future_or_gate

    class Switch:
        __slots__ = ()

        def spawn(self, number):
            return js_spawn(number)

        def entered(self, number):
            """Recursion on this stack ends inside of its place."""
            js_entered(number)

        def suspend(self, number):
            asyncio_names["ensure_future"] = ensure_future_or_gate
            js_expect(number)
            run_sync(gate)

        def wake(self, number):
            js_wake(number)

        def set_clock(self, clock_ms):
            js_set_clock(clock_ms)

        def set_monotonic(self, seconds):
            js_set_monotonic(seconds)

        def headroom(self, on):
            """Lets the session itself use memory beyond the cell's limit: to report that the limit was reached, for instance."""
            js_headroom(on)

        def clock(self):
            """ms since the epoch; reading it takes no time."""
            return js_clock()

        def take_raw(self):
            return js_take_raw(1), js_take_raw(2)

        def keep(self, holder, text):
            """[address, bytes] of the UTF-8 form of a text, which `holder` keeps in its place."""
            if type(text) is str and text.isascii():
                holder.append(text)
                return [identity(text) + ASCII_HEADER, length(text)]
            data = str.encode(whole(text), "utf-8")
            holder.append(data)
            return [identity(data) + BYTES_HEADER, len(data)]

    return Switch()


def whole(text):
    """Lone surrogates, which UTF-8 cannot hold, become U+FFFD; pairs become the character that they mean."""
    try:
        str.encode(text, "utf-8")
    except UnicodeEncodeError:
        return str.encode(text, "utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
