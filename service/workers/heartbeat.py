"""The heartbeat of a worker: a thread that tells again and again that this process runs Python.

Python runs, too, while a model in Python computes without end. So the thread looks at the calls to the model.
It also sees when the service is to end. A signal could not tell that: its handler runs in the main thread,
which may be waiting within the server.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from service.logs import LOGGER

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.telemetry.vitals import Vitals

    # Says what a call to the model does that takes too long, but for the time before the one that is given.
    Stuck = Callable[[float], "str | None"]

BEAT_S = 0.1
# If this thread could not run for so long, the container was paused, or compiled code kept the interpreter,
# which the watchdog sees. A call to the model begins anew then.
HELD_UP_S = 3.0
ADVICE = "If it is to take so long, send fewer rows at once, or raise the setting WATCHDOG_SECONDS"


def start_heartbeat(vitals: Vitals, worker: int, *, at_end: Callable[[], None], stuck: Stuck) -> None:
    """Let a thread of this process, which is the worker with this index, tell ten times a second.

    It calls `at_end` once, when the service is to end. While `stuck` finds a call to the model that takes too
    long, the thread tells that instead.

    The thread needs the interpreter lock: it is silent while compiled code holds the lock, and while the
    process is stopped.
    """
    vitals.beat(worker)
    arguments = (vitals, worker, at_end, stuck)
    threading.Thread(target=_beat, args=arguments, name="heartbeat", daemon=True).start()


def _beat(vitals: Vitals, worker: int, at_end: Callable[[], None], stuck: Stuck) -> None:
    is_to_end = False
    now_s = since_s = time.monotonic()
    while True:
        time.sleep(BEAT_S)
        before_s, now_s = now_s, time.monotonic()
        if now_s - before_s > HELD_UP_S:
            since_s = now_s
        _tell(vitals, worker, stuck(since_s))
        if vitals.is_to_end and not is_to_end:
            is_to_end = True
            at_end()


def _tell(vitals: Vitals, worker: int, found: str | None) -> None:
    """Tell that the worker runs, or that a call to the model takes too long; the latter is logged once."""
    if found is None:
        vitals.beat(worker)
    elif not vitals.is_stuck(worker):
        LOGGER.error("a call to the model %s. %s", found, ADVICE)
        vitals.tell_stuck(worker)
