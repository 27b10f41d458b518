"""Runs a command in a terminal of its own and types into it.

    python3 in_terminal.py STEPS COMMAND...

STEPS is a JSON array of [text to wait for, keys to press then]. Prints what the terminal showed as a JSON string, and
ends with the command's exit code; 124 when a text did not come in time.
"""

import json
import os
import pty
import re
import select
import signal
import sys
import time

SECONDS_A_STEP = 40


def main():
    steps, command = json.loads(sys.argv[1]), sys.argv[2:]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    shown, seen, code = "", 0, None
    for expected, keys in [*steps, [None, ""]]:
        deadline = time.monotonic() + SECONDS_A_STEP
        while expected is None or plain(shown).find(expected, seen) < 0:
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
                code = 124
                break
            more = read(terminal, 0.2)
            if more is None:
                break
            shown += more
        if code is not None:
            break
        if expected is not None:
            seen = max(seen, plain(shown).find(expected, seen) + len(expected))
            os.write(terminal, keys.encode())
    _, status = os.waitpid(pid, 0)
    print(json.dumps(plain(shown)))
    sys.exit(os.waitstatus_to_exitcode(status) if code is None else code)


def read(terminal, seconds):
    """None at the end."""
    if not select.select([terminal], [], [], seconds)[0]:
        return ""
    try:
        data = os.read(terminal, 65536)
    except OSError:
        return None
    return data.decode("utf-8", "replace") if data else None


def plain(text):
    """Without what moves the cursor and colours."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")


main()
