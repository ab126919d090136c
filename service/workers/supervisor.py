"""The server that starts the workers, and starts them again however often they end."""

from __future__ import annotations

import logging
import re
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Callable

from granian import net
from granian.server import MPServer

from service.logs import LOGGER
from service.workers.listeners import BACKLOG, listen, refuse
from service.workers.pauses import Pauses
from service.workers.wakeup import Wakeup
from service.workers.watch import CRASHES
from service.workers.watchdog import LOOK_S, Watchdog

if TYPE_CHECKING:
    import socket

    from granian.server.mp import WorkerProcess

    from service.settings import Settings
    from service.telemetry.vitals import Vitals
    from service.workers.certificate import Certificate
    from service.workers.generations import Place

# What the server logs of a worker that ends by itself; the line of the supervisor says more.
_WORKER_ENDED = re.compile(r"Unexpected exit from worker-\d+$")
# A service that is to end waits until no request has come for this share of the longest time that it waits.
QUIET_SHARE = 0.15
# A worker that is away for longer than this gets no new connections: they come to the others.
SHORT_PAUSE_S = 0.5
# How long workers in whose place there are others keep connections open on which nothing comes.
LINGER_S = 10.0
LOOK_AT_START_S = 0.05


@dataclass
class _Place:
    """The place of one worker: when its process was started, and when the next is to be, if it has ended."""

    started_s: float = 0.0
    start_s: float | None = None
    ends: int = 0
    is_listening: bool = True
    # Why it was ended, if that was not by itself.
    silence: str = ""
    pauses: Pauses = field(default_factory=Pauses)


# Granian's type hints do not tell that it can be made of a descriptor.
_hold: Callable[[int, bool, int], Any] = vars(net)["SocketHolder"]


# The oldest version of TLS that no standard has withdrawn, in the place of Granian's usual one: some clients
# have no newer one. Granian for Python 3.9 takes both, and has no setting for it.
_OLDEST, _USUAL = "tls1.2", "tls1.3"


class Supervisor(MPServer):
    """Granian's server with another loop: it never gives up, and replaces workers that answer nothing.

    `load` is called in each worker with its index. Without `listeners`, the server opens its own socket. With
    a `certificate`, it speaks TLS.
    """

    def __init__(  # noqa: PLR0913 (what the server is made of)
        self,
        *,
        listeners: list[socket.socket],
        certificate: Certificate | None,
        place: Place,
        vitals: Vitals,
        count_answers: Callable[[], int],
        settings: Settings,
        load: Callable[[int], Any],
        **options: Any,  # noqa: ANN401 (Granian's own)
    ) -> None:
        super().__init__("service", **options)
        if certificate is not None:
            # Granian's own method for it would follow the links that lead to files in memory.
            rest = (_OLDEST if each == _USUAL else each for each in self.ssl_ctx[3:])
            context: Any = (True, *certificate.paths, *rest)
            self.ssl_ctx = context
        # Kept, because its files are there as long as it is.
        self._certificate = certificate
        # Granian's own event could lock the loop for ever.
        wakeup: Any = Wakeup()
        self.main_loop_interrupt = wakeup
        self._listeners = listeners
        # Kept, because a holder that goes may close its descriptor.
        self._holders = [_hold(each.fileno(), False, BACKLOG) for each in listeners]  # noqa: FBT003 (no UNIX socket)
        self._place = place
        self._vitals = vitals
        self._count_answers = count_answers
        self._drain_s = settings.drain_seconds
        self._load = load
        self._watchdog = Watchdog(vitals, settings.watchdog_seconds)
        self._has_started = False
        self._places = [_Place() for _ in range(self.workers)]
        logging.getLogger("_granian").addFilter(lambda record: not _WORKER_ENDED.match(record.getMessage()))

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        for listener in self._listeners:
            listen(listener)
        self.serve(target_loader=self._load, wrap_loader=False)

    def _init_shared_socket(self) -> None:
        if not self._listeners:
            super()._init_shared_socket()  # type: ignore[no-untyped-call]  # Granian's
            return
        self._sso = self._listeners[0]

    def _spawn_worker(  # type: ignore[override]  # as Granian's own overrides it
        self,
        idx: int,
        target: Any,  # noqa: ANN401 (Granian's)
        callback_loader: Any,  # noqa: ANN401 (Granian's)
    ) -> WorkerProcess:
        if self._listeners:
            holder: Any = self._holders[idx]
            # A worker that is spawned gets the descriptor with this socket; one that is forked has it.
            self._ssp, self._shd, self._sso = None, holder, self._listeners[idx]
        self._vitals.forget_beat(idx)
        self._places[idx].started_s = time.monotonic()
        worker: WorkerProcess = super()._spawn_worker(idx, target, partial(callback_loader, idx))
        return worker

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:  # noqa: ANN401 (Granian's)
        while not self.interrupt_signal:
            self.main_loop_interrupt.wait(self._next_look_s())
            self.main_loop_interrupt.clear()
            if not self._has_started and self._vitals.have_all_begun:
                self._has_started = True
                self._place.record.started = self._place.generation
            while self.interrupt_children:
                self._note_end(self.interrupt_children.pop())
            for index, place in enumerate(self._places):
                if place.start_s is not None and place.start_s <= time.monotonic():
                    self._start_again(index, place, spawn_target, target_loader)
            self._end_silent_workers()
        self.interrupt_children.clear()

    def _stop_workers(self) -> None:
        self._drain()
        super()._stop_workers()  # type: ignore[no-untyped-call]  # Granian's

    def _hand_over(self) -> None:
        """Let the workers take no more connections, and wait until those that they have are used up."""
        self._vitals.tell_end(is_replaced=True)
        end = time.monotonic() + LINGER_S
        while time.monotonic() < end and not self._place.record.is_stopping:
            alive = [index for index, worker in enumerate(self.wrks) if worker.inner.is_alive()]
            if all(map(self._vitals.has_counted, alive)):
                self._place.record.handed_over = self._place.generation
            if not any(map(self._vitals.has_open, alive)):
                return
            time.sleep(LOOK_AT_START_S)

    def _drain(self) -> None:
        """Let the workers say that they are not ready, and wait until the open connections are used up."""
        record = self._place.record
        if record.serving != self._place.generation and not record.is_stopping:
            self._hand_over()
            return
        self._vitals.tell_end()
        quiet_s = QUIET_SHARE * self._drain_s
        answers, now = self._count_answers(), time.monotonic()
        end, quiet = now + self._drain_s, now + quiet_s
        while (now := time.monotonic()) < min(end, quiet):
            time.sleep(quiet_s / 10)
            if self._count_answers() != answers:
                answers, quiet = self._count_answers(), now + quiet_s

    def _next_look_s(self) -> float:
        if not self._has_started:
            return LOOK_AT_START_S
        starts = [place.start_s for place in self._places if place.start_s is not None]
        return max(0.0, min([LOOK_S, *(start_s - time.monotonic() for start_s in starts)]))

    def _note_end(self, index: int) -> None:
        """Plan when a worker that has ended is started again, and say so."""
        place, now = self._places[index], time.monotonic()
        pause_s = place.pauses.after_end(now)
        place.start_s = now + pause_s
        self._place.record.count_replaced("unresponsive" if place.silence else "ended")
        how = place.silence or _how(self.wrks[index].inner.exitcode)
        LOGGER.error("worker %d %s: another takes its place in %.1f s", index + 1, how, pause_s)
        place.silence = ""
        if pause_s > SHORT_PAUSE_S and len(self._listeners) > 1:
            refuse(self._listeners[index])
            place.is_listening = False

    def _start_again(self, index: int, place: _Place, spawn_target: Any, target_loader: Any) -> None:  # noqa: ANN401 (Granian's)
        try:
            worker = self._spawn_worker(index, spawn_target, target_loader)
            worker.start()  # type: ignore[no-untyped-call]  # Granian's
        except OSError as error:
            pause_s = place.pauses.after_end(time.monotonic())
            place.start_s = time.monotonic() + pause_s
            LOGGER.error("worker %d cannot be started: %s. Next attempt in %.1f s", index + 1, error, pause_s)
            return
        self.wrks[index] = worker
        place.start_s = None
        if not place.is_listening:
            listen(self._listeners[index])
            place.is_listening = True

    def _end_silent_workers(self) -> None:
        alive = {
            index: (worker.inner.pid, self._places[index].started_s)
            for index, worker in enumerate(self.wrks)
            if self._places[index].start_s is None and worker.inner.pid is not None
        }
        for silent in self._watchdog.look(alive):
            place = self._places[silent.worker]
            if not place.silence:
                place.silence = f"{silent}, and was ended"
                # Not by the server's own method: that would keep it from telling of the end.
                with suppress(ProcessLookupError):
                    self.wrks[silent.worker].inner.kill()


def _how(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        return f"was ended by {name}" + (", a crash of compiled code" if name in CRASHES else "")
    return f"ended with exit code {exit_code}"
