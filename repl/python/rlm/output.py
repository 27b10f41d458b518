"""stdout and stderr of a cell: bounded, and the same objects for ever, so that a logging handler made in one cell writes in the next."""

import io


class Meter:
    """The room that both streams share."""

    def __init__(self):
        self.limit = 0
        self.left = 0

    def reset(self, limit):
        self.limit = self.left = limit


class _Bytes(io.RawIOBase):
    def __init__(self, stream):
        self._stream = stream

    def writable(self):
        return True

    def write(self, data):
        data = bytes(data)
        self._stream.write(data.decode("utf-8", "replace"))
        return len(data)


class Stream(io.TextIOBase):
    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, meter, name):
        self.name = name
        self.buffer = _Bytes(self)
        self._meter = meter
        # UTF-8, and one object for ever: the host finds it in memory when a cell was ended from outside.
        self.held = bytearray()
        self._dropped = 0

    def writable(self):
        return True

    def isatty(self):
        return False

    def fileno(self):
        raise io.UnsupportedOperation("fileno")

    def flush(self):
        pass

    def close(self):
        pass

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        length = str.__len__(text)
        left = self._meter.left
        if left <= 0:
            self._dropped += length
            return length
        kept = str.__str__(text) if length <= left else str.__getitem__(text, slice(0, left))
        data = str.encode(kept, "utf-8", "surrogatepass")
        if len(data) > left:
            data = whole_characters(data[:left])
            self._dropped += length - len(data.decode("utf-8", "surrogatepass"))
            self._meter.left = 0
        else:
            self._dropped += length - len(kept)
            self._meter.left = left - len(data)
        self.held += data
        return length

    def take(self):
        text = self.held.decode("utf-8", "surrogatepass")
        self.held.clear()
        if self._dropped:
            text += f"\n[... {self._dropped:,} more characters: the output of a cell is cut at {self._meter.limit:,} bytes]"
        self._dropped = 0
        return text


class NoInput(io.TextIOBase):
    """sys.stdin: nobody sits at this session."""

    name = "<stdin>"
    encoding = "utf-8"

    def _refuse(self, *args):
        raise RuntimeError("there is no standard input: nobody sits at this session. Work with the variables that you have.")

    read = readline = readlines = __next__ = fileno = _refuse

    def readable(self):
        return True

    def close(self):
        pass


def whole_characters(data):
    """Without a character that was cut in two at the end."""
    end = len(data)
    while end and data[end - 1] & 0xC0 == 0x80:
        end -= 1
    lead = data[end - 1] if end else 0
    size = 1 if lead < 0x80 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    return data if len(data) - end + 1 == size else data[: end - 1]
