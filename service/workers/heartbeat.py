"""The heartbeat of a worker: a thread that tells again and again that this process runs Python.

Python runs, too, while a model in Python computes without end. So the thread looks at the calls to the model.
It also sees when the service is to end. A signal could not tell that: its handler runs in the main thread,
which may be waiting within the server.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Duties:
    """What the heartbeat of a worker does besides telling.

    It calls `at_end` once, when the service is to end, and `at_replacement` once, when another generation has
    taken the place of this one. That gives what counts the connections of this worker, which is told from
    then on. While `stuck` finds a call to the model that takes too long, that is told, and no heartbeat.
    """

    at_end: Callable[[], None]
    at_replacement: Callable[[], Callable[[], int]]
    stuck: Stuck


def start_heartbeat(vitals: Vitals, worker: int, duties: Duties) -> None:
    """Let a thread of this process, which is the worker with this index, tell ten times a second.

    The thread needs the interpreter lock: it is silent while compiled code holds the lock, and while the
    process is stopped.
    """
    vitals.beat(worker)
    threading.Thread(target=_beat, args=(vitals, worker, duties), name="heartbeat", daemon=True).start()


def _beat(vitals: Vitals, worker: int, duties: Duties) -> None:
    is_ending = False
    count_open: Callable[[], int] | None = None
    now_s = since_s = time.monotonic()
    while True:
        time.sleep(BEAT_S)
        before_s, now_s = now_s, time.monotonic()
        if now_s - before_s > HELD_UP_S:
            since_s = now_s
        _tell(vitals, worker, duties.stuck(since_s))
        if count_open is not None:
            vitals.tell_open(worker, count_open())
        elif vitals.is_replaced:
            # The connections are counted one beat later: one may just be on its way into the process.
            count_open = duties.at_replacement()
        if vitals.is_to_end and not vitals.is_replaced and not is_ending:
            is_ending = True
            duties.at_end()


def _tell(vitals: Vitals, worker: int, found: str | None) -> None:
    """Tell that the worker runs, or that a call to the model takes too long; the latter is logged once."""
    if found is None:
        vitals.beat(worker)
    elif not vitals.is_stuck(worker):
        LOGGER.error("a call to the model %s. %s", found, ADVICE)
        vitals.tell_stuck(worker)
