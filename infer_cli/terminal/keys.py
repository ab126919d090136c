"""The keys that are pressed while a view is shown."""

from __future__ import annotations

import os
import select
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def pressed_keys() -> Iterator[Callable[[float], str]]:
    """Within the block, a call waits so many seconds for keys, and gives those that were pressed.

    The terminal neither shows them nor waits for the end of a line, and is as before after the block. Without
    a terminal on stdin, a call waits for the whole time. A terminal that went away has pressed Ctrl-D.
    """
    if not sys.stdin.isatty():
        yield _wait
        return
    import termios  # noqa: PLC0415 (not on every system)
    import tty  # noqa: PLC0415

    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)
    try:
        tty.setcbreak(number, termios.TCSANOW)
        yield lambda seconds: _read(number, seconds)
    finally:
        # What was pressed and not read is not for the shell.
        termios.tcsetattr(number, termios.TCSAFLUSH, before)


def _wait(seconds: float) -> str:
    time.sleep(seconds)
    return ""


def _read(number: int, seconds: float) -> str:
    ready, _, _ = select.select([number], [], [], seconds)
    return os.read(number, 100).decode(errors="replace") or "\x04" if ready else ""
