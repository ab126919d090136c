"""What this process does until it is ready to serve, told to the process that watches it.

The watching process (`service.workers.watch`) reads a pipe. Each stage is one line on it. If compiled code
crashes, `faulthandler` writes there where it happened, and not into the log. Without a watching process,
nothing is told.
"""

from __future__ import annotations

import faulthandler
import os
import signal
from contextlib import suppress

READING = "reading the file"
PREDICTING = "predicting the first rows"
# Not a stage: the work is done, or has ended with an error that was shown.
DONE = "done"
# The watching process asks with this signal where the process is.
WHERE = signal.SIGUSR2

_pipe: int | None = None


def tell_to(pipe: int) -> None:
    """Tell the stages to the reader of this pipe from now on."""
    global _pipe  # noqa: PLW0603 (one pipe for the process)
    _pipe = pipe
    # Both write without Python, so that they also work while compiled code runs or has crashed.
    faulthandler.enable(pipe, all_threads=False)
    faulthandler.register(WHERE, pipe, all_threads=False)


def tell(stage: str) -> None:
    """Tell what the process does from now on."""
    if _pipe is not None:
        with suppress(OSError):  # The watching process has gone.
            os.write(_pipe, f"{stage}\n".encode())


def done() -> None:
    """Tell that the watched work is done; from now on, nothing is told."""
    global _pipe  # noqa: PLW0603 (one pipe for the process)
    if _pipe is None:
        return
    tell(DONE)
    faulthandler.disable()
    faulthandler.unregister(WHERE)
    os.close(_pipe)
    _pipe = None
