"""The heartbeat of a worker: a thread that tells again and again that this process runs Python.

It also sees when the service is to end. A signal could not tell that: its handler runs in the main thread,
which may be waiting within the server.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.telemetry.vitals import Vitals

BEAT_S = 0.1


def start_heartbeat(vitals: Vitals, worker: int, at_end: Callable[[], None]) -> None:
    """Let a thread of this process, which is the worker with this index, tell ten times a second.

    It calls `at_end` once, when the service is to end.

    The thread needs the interpreter lock: it is silent while compiled code holds the lock, and while the
    process is stopped.
    """
    vitals.beat(worker)
    threading.Thread(target=_beat, args=(vitals, worker, at_end), name="heartbeat", daemon=True).start()


def _beat(vitals: Vitals, worker: int, at_end: Callable[[], None]) -> None:
    is_to_end = False
    while True:
        time.sleep(BEAT_S)
        vitals.beat(worker)
        if vitals.is_to_end and not is_to_end:
            is_to_end = True
            at_end()
