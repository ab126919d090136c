"""Ends connections that would keep others from being served.

The server waits for a client for as long as the client likes: for the body of a request, and until an answer
is read. It also takes no further connection while it has as many as it may. So a thread in each worker looks
at the worker's connections once a second, and ends

- one whose body comes at less than `LEAST_RATE`, after `BODY_GRACE_S`; the client gets status 408,
- one whose client does not read its answer, after `ANSWER_GRACE_S`,
- one on which nothing happens, after `IDLE_S`, and sooner while there are too many: the oldest make room.

From outside, a request that is being predicted looks like a body that does not come, and a connection on
which nothing happens. Such a connection is left alone while any prediction is being made whose request may
have come over it: one that began soon after the last byte came or was sent.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.admission import BODY_GRACE_S, SHORT_BODY_GRACE_S
from service.logs import LOGGER
from service.workers.tcp_sockets import TcpSockets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.admission import Admission
    from service.workers.tcp_sockets import Connection

# Bytes a second, of bodies and of answers. The slowest mobile networks have 20 times as much.
LEAST_RATE = 240
# A body of which nothing comes any more may be one that is there, and waits for a CPU. It gets more time,
# unless all places for bodies are taken.
STALLED_BODY_S = 30
ANSWER_GRACE_S = 10
IDLE_S = 120
# Where there are too many connections, the oldest idle ones are ended, down to this part of what may be.
ROOM_FROM = 0.9

LOOK_EVERY_S = 1.0
# While places for bodies are short.
LOOK_AGAIN_S = 0.25
# The longest time from the last byte of a request to its prediction, and how exact the kernel's times are.
_LONGEST_START_S = 10
_EXACT_S = 0.1
# A thread that wakes so late says that the machine is too busy to judge anybody by the clock.
_TOO_LATE_S = 1.0


@dataclass
class _Seen:
    """What is remembered of a connection from one look to the next."""

    inode: int
    # When a request, or an answer, was first seen to be on its way, and the bytes that had come or gone then.
    asking_since: float | None = None
    received_then: int = 0
    received: int = 0
    # How much of answers had been taken then.
    answered_then: int = 0
    answering_since: float | None = None
    acknowledged_then: int = 0
    unsent_then: int = 0


class Guard:
    """Looks at the connections of this worker, and ends those that break a rule."""

    def __init__(self, sockets: TcpSockets, admission: Admission, most: int) -> None:
        self._sockets = sockets
        self._admission = admission
        self._most = most
        self._seen: dict[int, _Seen] = {}
        self._is_crowded = False

    def start(self) -> None:
        """Look from now on, in a thread of its own."""
        threading.Thread(target=self._watch, name="guard", daemon=True).start()

    def _watch(self) -> None:
        while True:
            pause = LOOK_AGAIN_S if self._is_short else LOOK_EVERY_S
            due = time.monotonic() + pause
            time.sleep(pause)
            if time.monotonic() - due > _TOO_LATE_S:
                self._seen.clear()
            try:
                self.look(time.monotonic())
            except Exception:  # noqa: BLE001 (without the guard, the worker still serves)
                LOGGER.exception("the connections cannot be looked at")
                return

    @property
    def _is_short(self) -> bool:
        """Whether more than half of the places for bodies are taken, or there are too many connections."""
        return self._is_crowded or 2 * sum(self._admission.bodies.taken) > self._admission.bodies.count

    def look(self, now: float) -> None:
        """Look once, at this time of the monotonic clock."""
        connections = list(self._sockets.look())
        # Read after the connections: whatever was predicted then is among these, or has been answered.
        begun = [since / 1e9 for since in self._admission.predictions.held_since()]
        before, self._seen = self._seen, {}
        quiet = []
        for connection in connections:
            seen = before.get(connection.descriptor)
            if seen is None or seen.inode != connection.inode:
                seen = _Seen(connection.inode)
            self._seen[connection.descriptor] = seen
            if connection.unsent:
                self._judge_answer(connection, seen, now)
                continue
            seen.answering_since = None
            if connection.received and connection.received_ms_ago <= connection.sent_ms_ago:
                self._judge_body(connection, seen, now, begun)
            else:
                seen.asking_since = None
            quiet.append(connection)
        self._make_room(quiet, len(connections), now, begun)

    def _judge_answer(self, connection: Connection, seen: _Seen, now: float) -> None:
        seen.asking_since = None
        read = connection.acknowledged - seen.acknowledged_then
        # Whoever has read all that there was then may be at a later answer.
        if seen.answering_since is None or read >= seen.unsent_then:
            seen.answering_since, seen.acknowledged_then = now, connection.acknowledged
            seen.unsent_then = connection.unsent
            return
        seconds = now - seen.answering_since
        if seconds < ANSWER_GRACE_S:
            return
        if read < LEAST_RATE * seconds:
            LOGGER.debug("ended a connection whose client does not read its answer")
            self._sockets.end(connection, socket.SHUT_RDWR)
        # Each span of time counts for itself: who read much at first may not stop.
        seen.answering_since, seen.acknowledged_then = now, connection.acknowledged
        seen.unsent_then = connection.unsent

    def _judge_body(self, connection: Connection, seen: _Seen, now: float, begun: Sequence[float]) -> None:
        # An answer since then means that the request of then is over. Between two looks, a client may have
        # asked again, and have been answered within one tick of the kernel's clock.
        if seen.asking_since is None or connection.acknowledged != seen.answered_then:
            seen.asking_since = now - connection.received_ms_ago / 1e3
            seen.received_then = seen.received = connection.received
            seen.answered_then = connection.acknowledged
            return
        grows, seen.received = connection.received > seen.received, connection.received
        seconds = now - seen.asking_since
        grace_s = SHORT_BODY_GRACE_S if self._is_short else BODY_GRACE_S
        if seconds < grace_s or connection.received - seen.received_then >= LEAST_RATE * seconds:
            return
        is_old = seconds >= (grace_s if self._is_short else STALLED_BODY_S)
        if grows or (connection.is_asking and is_old and not _may_be_predicted(connection, now, begun)):
            LOGGER.debug("ended a request whose body comes too slowly")
            self._sockets.end(connection, socket.SHUT_RD)

    def _make_room(self, quiet: list[Connection], count: int, now: float, begun: Sequence[float]) -> None:
        """End the connections that were idle for too long, and the oldest ones if there are too many."""
        self._is_crowded = count > self._most
        excess = count - int(self._most * ROOM_FROM) if self._is_crowded else 0
        ended = 0
        # Those that wait for an answer come last, and only if nothing has come from them for some time.
        for connection in sorted(quiet, key=lambda one: (one.is_asking, -one.quiet_ms)):
            least_s = IDLE_S if ended >= excess else BODY_GRACE_S * connection.is_asking
            if connection.quiet_ms >= least_s * 1e3 and not _may_be_predicted(connection, now, begun):
                self._sockets.end(connection, socket.SHUT_RDWR)
                ended += 1
        if excess:
            LOGGER.info("ended %d of %d connections, the idle ones first: there were too many", ended, count)


def _may_be_predicted(connection: Connection, now: float, begun: Sequence[float]) -> bool:
    """Tell whether one of the predictions that began at these times may answer this connection."""
    last = now - connection.quiet_ms / 1e3
    return any(last - _EXACT_S <= at <= last + _LONGEST_START_S for at in begun)


def guard_connections(port: int, admission: Admission, most: int) -> None:
    """Let this worker guard its connections to a port; on other systems than Linux it does not."""
    if sys.platform == "linux":
        Guard(TcpSockets(port), admission, most).start()
