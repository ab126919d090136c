"""What this process does until it is ready to serve, told to the process that watches it.

The watching process (`service.workers.watch`) reads a channel. Each stage is one line on it. If compiled code
crashes, `faulthandler` writes there where it happened, and not into the log. Without a watching process,
nothing is told.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

READING = "reading the file"
PREDICTING = "predicting the first rows"
# Not a stage: the work is done, or has ended with an error that was shown.
DONE = "done"
# The starts of two further lines, after which JSON follows: what was loaded, and why nothing is.
LOADED, REFUSED = "loaded ", "refused "
# What the watching process answers to the first of them, if the model is to be served.
GO = b"g"
# The watching process asks with this signal where the process is.
WHERE = signal.SIGUSR2

_channel: int | None = None
_is_candidate = False


def tell_to(channel: int, *, is_candidate: bool = False) -> None:
    """Tell the stages on this channel from now on.

    A candidate is a process that loads a model while another one serves; its errors are told there as well.
    """
    global _channel, _is_candidate
    _channel, _is_candidate = channel, is_candidate
    # Both write without Python, so that they also work while compiled code runs or has crashed.
    faulthandler.enable(channel, all_threads=False)
    faulthandler.register(WHERE, channel, all_threads=False)


def tell(stage: str) -> None:
    """Tell what the process does from now on."""
    if _channel is not None:
        with suppress(OSError):  # The watching process has gone.
            os.write(_channel, f"{stage}\n".encode())


def loaded(facts: Mapping[str, object]) -> bool:
    """Tell what was loaded, and wait until the watching process says whether it is to be served."""
    if _channel is None:
        return True
    tell(LOADED + json.dumps(facts))
    return os.read(_channel, len(GO)) == GO


def refuse(reasons: Sequence[str]) -> bool:
    """Tell why nothing is served, if this is a candidate; tell whether it is."""
    if _is_candidate:
        tell(REFUSED + json.dumps(" ".join(reasons)))
    return _is_candidate


def done() -> None:
    """Tell that the watched work is done; from now on, nothing is told."""
    global _channel  # noqa: PLW0603 (one channel for the process)
    if _channel is None:
        return
    tell(DONE)
    faulthandler.disable()
    faulthandler.unregister(WHERE)
    os.close(_channel)
    _channel = None
