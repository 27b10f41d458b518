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
        self._parts = []
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
        size = len(kept) if kept.isascii() else len(kept.encode("utf-8", "surrogatepass"))
        if size > left:
            kept = kept.encode("utf-8", "surrogatepass")[:left].decode("utf-8", "ignore")
            size = left
        self._meter.left = left - size
        self._dropped += length - len(kept)
        if kept:
            self._parts.append(kept)
        return length

    def take(self):
        text = "".join(self._parts)
        if self._dropped:
            text += f"\n[... {self._dropped:,} more characters: the output of a cell is cut at {self._meter.limit:,} bytes]"
        self._parts = []
        self._dropped = 0
        return text
