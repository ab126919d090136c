"""The first process of a service: it starts the processes that serve one model after another.

All processes that serve one model are a generation. A generation is a child of this process that loads the
model, and the child's workers. Another model is loaded by another child, beside the generation that serves;
whatever the file does to the child, the service answers on. Once the workers of the new generation have
started, the old generation takes no more connections, answers what has come over those that it has, and ends.
Both have the same listening sockets, so no connection is refused or lost meanwhile.

The model file is looked at once a second. A program in the same container may also ask (see `control`), and a
worker, in the service's record, and SIGHUP asks, too.

On other systems than Linux the model stays as it is.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Callable

from service.errors import ModelUnloadable
from service.logs import LOGGER
from service.settings import BESIDE
from service.stages import LOADED
from service.stages import REFUSED as REFUSED_LINE
from service.telemetry.service_record import REFUSED, ROLLED_BACK, SERVED, UNCHANGED, ServiceRecord
from service.workers.cgroups import LIKELIEST, likelihood_of_kill, set_likelihood_of_kill
from service.workers.changes import Changes
from service.workers.control import RENEW, ROLLBACK, Control, Wish
from service.workers.kept_model import KeptModel
from service.workers.listeners import listen, spare_listener
from service.workers.model_difference import difference
from service.workers.watch import PASSED_ON, POLL_S, STOP_TIMEOUT_S, start_watched

if TYPE_CHECKING:
    import socket
    from types import FrameType

    from service.settings import Settings
    from service.workers.watch import Watch

    # What a child does: it is given the settings, and its generation.
    Work = Callable[[Settings, "Place"], int]

LOOK_S = 0.25
MOST_WISHES = 8
# How long the workers of a generation may take to start, once the model is loaded.
START_S = 120.0
# Beyond what an old generation allows itself to end.
END_S = 60.0
# Of a digest in the log.
DIGEST_CHARACTERS = 12
# The workers of an old generation see within a tenth of a second that they are to take no more connections.
HAND_OVER_S = 5.0


@dataclass(frozen=True)
class Place:
    """What a generation is given: its number, what it tells, and a socket nobody connects to."""

    generation: int = 1
    record: ServiceRecord = field(default_factory=ServiceRecord)
    spare: socket.socket | None = None


@dataclass
class _Generation:
    """One generation: its first process, and the files that it serves."""

    number: int
    watch: Watch
    kept: KeptModel | None
    wish: Wish
    # The generation whose model this one serves again.
    known: _Generation | None
    # The last request of a worker before this generation was begun.
    asked: int = 0
    facts: dict[str, Any] | None = None
    go_s: float = 0.0
    end_s: float = 0.0
    # How its first process ended.
    status: int | None = None

    @property
    def digest(self) -> str:
        return str((self.facts or {}).get("digest", ""))


def run_generations(
    work: Work, settings: Settings, listeners: list[socket.socket], record: ServiceRecord
) -> int:
    """Serve the model of the settings, and the models that come after it, until SIGTERM or SIGINT.

    `work` loads and serves a model, in a child process. Give the exit code; raise what `run_watched` raises.
    """
    if sys.platform != "linux":
        record.serving = 1
        return work(settings, Place(record=record))
    return _Generations(work, settings, listeners, record).run()


class _Generations:
    def __init__(
        self, work: Work, settings: Settings, listeners: list[socket.socket], record: ServiceRecord
    ) -> None:
        self._work = work
        self._settings = settings
        self._listeners = listeners
        self._record = record
        self._control = Control(settings.port)
        self._spare = spare_listener()
        # The child handles signals as this process does now.
        self._handlers: dict[int, Any] = {
            **{number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)},
            signal.SIGHUP: signal.SIG_IGN,
        }
        self._count = 0
        self._serving: _Generation | None = None
        self._candidate: _Generation | None = None
        self._ending: _Generation | None = None
        self._previous: _Generation | None = None
        self._wishes: deque[Wish] = deque()
        model, certificate = settings.model_file, settings.tls_certificate
        self._model_files = Changes([model, model.parent / BESIDE] if settings.reload else [])
        self._tls_files = Changes([certificate, settings.tls_key] if certificate and settings.tls_key else [])
        # Whether it was told that the generation which ends was replaced.
        self._is_told = True

    def run(self) -> int:
        """Return when the generation that serves has ended."""
        self._begin(Wish())
        for number in PASSED_ON:
            signal.signal(number, self._handle)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        while True:
            is_busy = self._candidate is not None or self._ending is not None
            self._wait(POLL_S if is_busy else LOOK_S)
            self._reap()
            if self._serving is not None and self._serving.status is not None:
                return self._end(self._serving)
            if self._candidate is not None:
                code = self._watch(self._candidate)
                if code is not None:
                    return code
            self._watch_end()
            self._look_at_files()
            if self._serving is not None and self._candidate is None and self._ending is None:
                self._grant()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._wishes.append(Wish())
            return
        self._record.tell_stop()
        for generation in (self._serving, self._candidate, self._ending):
            if generation is not None and generation.status is None:
                generation.watch.pass_on(number, frame)

    def _wait(self, timeout_s: float) -> None:
        """Wait until the candidate or a program of the container says something, or for this time."""
        told: list[Any] = [self._control.socket]
        if self._candidate is not None and not self._candidate.watch.is_done:
            told.append(self._candidate.watch.channel)
        select.select(told, [], [], timeout_s)
        for wish in self._control.wishes():
            if len(self._wishes) < MOST_WISHES:
                self._wishes.append(wish)
            else:
                wish.answer({"error": "the service is asked too often"})

    def _reap(self) -> None:
        """Note which generations have ended; process 1 also waits for processes that have no parent."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                for generation in (self._serving, self._candidate, self._ending):
                    if generation is not None and generation.watch.child == pid:
                        generation.status = status

    def _look_at_files(self) -> None:
        """Wish for files that were written to be served."""
        if self._serving is not None:
            self._wishes.extend([Wish()] if self._model_files.look() else [])
            self._wishes.extend([Wish(RENEW)] if self._tls_files.look() else [])

    def _grant(self) -> None:
        """Begin what is wished for."""
        if self._record.is_stopping:
            return
        if self._wishes:
            self._begin(self._wishes.popleft())
        elif self._record.asked > self._record.answered:
            self._begin(Wish())

    def _begin(self, wish: Wish) -> None:
        """Start a process that loads the model file, or a model that is served, or was before."""
        is_first = self._serving is None
        known = {ROLLBACK: self._previous, RENEW: self._serving}.get(wish.kind)
        if wish.kind == ROLLBACK and (known is None or known.kept is None):
            self._tell(wish, REFUSED, "no model was served before this one, or its file could not be kept")
            return
        if known is None:
            self._model_files.note()
            kept = KeptModel.of(self._settings)
        else:
            kept = known.kept
        self._count += 1
        settings = kept.settings_for(self._settings) if known and kept else self._settings
        work = partial(self._run_child, settings, Place(self._count, self._record, self._spare))
        signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
        watch = start_watched(work, settings, handlers=self._handlers, is_candidate=not is_first)
        if not is_first:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
            # If the memory does not suffice for two models, the new one is to end.
            set_likelihood_of_kill(watch.child, LIKELIEST)
        self._candidate = _Generation(self._count, watch, kept, wish, known, self._record.asked)
        self._tell_processes()

    def _run_child(self, settings: Settings, place: Place) -> int:
        self._control.close()
        return self._work(settings, place)

    def _watch(self, candidate: _Generation) -> int | None:
        """Look at a generation that loads or starts; give the exit code of the service if this ends it."""
        watch, is_first = candidate.watch, self._serving is None
        try:
            if not watch.is_done:
                watch.look(0)
            if candidate.status is not None:
                if is_first:
                    return watch.code_of(candidate.status)
                self._forget(candidate, REFUSED, self._reason(candidate))
                return None
        except ModelUnloadable as error:
            if is_first:
                raise
            self._forget(candidate, REFUSED, str(error))
            return None
        if candidate.facts is None:
            candidate.facts = watch.answer_to(LOADED)
            if candidate.facts is not None:
                self._judge(candidate)
        if candidate.go_s and watch.is_done:
            self._watch_start(candidate)
        return None

    def _reason(self, candidate: _Generation) -> str:
        told = candidate.watch.answer_to(REFUSED_LINE)
        if told is not None:
            return str(told)
        try:
            candidate.watch.code_of(candidate.status or 0)
        except ModelUnloadable as error:
            return str(error)
        return "its processes could not be started"

    def _judge(self, candidate: _Generation) -> None:
        """Let a model that was loaded be served, or end it."""
        serving = self._serving
        found, wish = candidate.facts or {}, candidate.wish
        if serving is not None and serving.facts is not None:
            any_inputs = wish.takes_any_inputs or self._settings.reload_inputs == "any"
            if candidate.known is not None and found["digest"] != candidate.known.digest:
                self._give_up(candidate, REFUSED, "the file was written over, and was too large to be copied")
                return
            if found == serving.facts:
                self._give_up(candidate, UNCHANGED, "this model is served already")
                return
            reason = difference(serving.facts, found)
            if reason and not any_inputs and candidate.known is None:
                self._give_up(candidate, REFUSED, reason)
                return
        candidate.go_s = time.monotonic()
        candidate.watch.go()

    def _watch_start(self, candidate: _Generation) -> None:
        """Put a generation in the place of the one that serves, once its workers have started."""
        if self._serving is None:
            candidate.watch.close()
            self._candidate, self._serving = None, candidate
            self._record.serving = candidate.number
            return
        if self._record.started != candidate.number:
            if time.monotonic() > candidate.go_s + START_S:
                self._give_up(candidate, REFUSED, "its workers did not start")
            return
        candidate.watch.close()
        before, self._serving, self._candidate = self._serving, candidate, None
        self._record.serving = candidate.number
        set_likelihood_of_kill(candidate.watch.child, likelihood_of_kill())
        if candidate.wish.kind != RENEW:
            self._forget_files(candidate)
            self._previous = before
        self._ending = before
        before.end_s = time.monotonic()
        with suppress(ProcessLookupError):
            os.kill(before.watch.child, signal.SIGTERM)
        self._is_told = False

    def _forget_files(self, candidate: _Generation) -> None:
        """Forget the files of the model before the one that is served, unless they are served again."""
        outdated = self._previous.kept if self._previous is not None else None
        if outdated is not None and outdated != candidate.kept:
            outdated.close()

    def _watch_end(self) -> None:
        """Look at the generation that was replaced, until it has ended."""
        ending = self._ending
        if ending is None:
            return
        has_handed_over = ending.status is not None or self._record.handed_over == ending.number
        if not self._is_told and (has_handed_over or time.monotonic() > ending.end_s + HAND_OVER_S):
            self._is_told = True
            self._tell_served(ending)
        if ending.status is None:
            if time.monotonic() > ending.end_s + END_S:
                with suppress(ProcessLookupError):
                    os.kill(ending.watch.child, signal.SIGKILL)
            return
        self._ending = None
        self._tell_processes()
        # A worker of the old generation may have closed a socket to new connections when it crashed.
        for listener in self._listeners:
            listen(listener)

    def _tell_served(self, before: _Generation) -> None:
        """Tell that another model is served now; whoever asks from now on is answered by it."""
        now = self._serving
        if now is not None:
            file, names = self._settings.model_file, (now.digest, before.digest)
            if now.wish.kind == RENEW:
                LOGGER.info("the certificate was renewed, and is used from now on")
            else:
                LOGGER.info("%s: %s is served in the place of %s", file, *map(_short, names))
            outcome = ROLLED_BACK if now.wish.kind == ROLLBACK else SERVED
            self._tell(now.wish, outcome, "", asked=now.asked)

    def _give_up(self, candidate: _Generation, outcome: str, reason: str) -> None:
        """End a generation that is not to serve."""
        with suppress(ProcessLookupError):
            os.kill(candidate.watch.child, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(candidate.watch.child, 0)
        self._forget(candidate, outcome, reason)

    def _forget(self, candidate: _Generation, outcome: str, reason: str) -> None:
        """Forget a generation that has ended and never served."""
        candidate.watch.close()
        self._candidate = None
        if candidate.kept is not None and candidate.known is None:
            candidate.kept.close()
        self._tell_processes()
        file, digest = self._settings.model_file, _short(self._serving.digest if self._serving else "")
        if outcome == REFUSED:
            what = "the renewed certificate" if candidate.wish.kind == RENEW else file
            LOGGER.error("%s is not used: %s. %s is served on", what, reason.rstrip("."), digest)
        else:
            LOGGER.info("%s: %s (%s)", file, reason, digest)
        self._tell(candidate.wish, outcome, reason, asked=candidate.asked)

    def _tell(self, wish: Wish, outcome: str, reason: str, *, asked: int | None = None) -> None:
        """Tell everybody who wants to know how an attempt ended."""
        self._record.tell(outcome, reason, asked=self._record.answered if asked is None else asked)
        now, before = (one.digest if one else None for one in (self._serving, self._previous))
        wish.answer({"outcome": outcome, "reason": reason, "digest": now, "before": before})

    def _tell_processes(self) -> None:
        generations = (self._serving, self._candidate, self._ending)
        self._record.processes = [os.getpid(), *(one.watch.child for one in generations if one is not None)]

    def _end(self, serving: _Generation) -> int:
        """Give the exit code when the generation that serves has ended, and let no other one stay."""
        for other in (self._candidate, self._ending):
            if other is not None and other.status is None:
                with suppress(ProcessLookupError):
                    os.kill(other.watch.child, signal.SIGTERM if other is self._ending else signal.SIGKILL)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self._ending is not None and self._ending.status is None and time.monotonic() < deadline:
            time.sleep(POLL_S)
            self._reap()
        return serving.watch.code_of(serving.status or 0)


def _short(digest: str) -> str:
    return digest[: len("sha256:") + DIGEST_CHARACTERS]
