"""A campaign in a process of its own, so that a crash or an endless loop is a finding like any other."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

from tests.service.fuzz.campaign import FAILED, Campaign, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

# A request takes milliseconds. The first one waits until the models are trained, and the machine may be busy.
LONGEST_S = 300


class Child:
    """The process that tries the numbers. After a failure of the process itself, `is_over`."""

    def __init__(self, names: Sequence[str]) -> None:
        # A fork would have the locks of threads that it does not have.
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=_work, args=(there, names))
        self._process.start()
        there.close()
        self.is_over = False

    def run(self, number: int) -> Outcome:
        """Try a number."""
        try:
            self._pipe.send(number)
            if self._pipe.poll(LONGEST_S):
                outcome: Outcome = self._pipe.recv()
                return outcome
            reason = f"there is no answer after {LONGEST_S} s"
        except (EOFError, OSError):
            self._process.join(LONGEST_S)
            reason = f"the process ended with exit code {self._process.exitcode}"
        self.is_over = True
        self._process.kill()
        self._process.join()
        return Outcome(FAILED, reason, f"the request of number {number}")

    def end(self) -> dict[str, int]:
        """End the process; give how often each C reader read a body."""
        self._pipe.send(None)
        read: dict[str, int] = self._pipe.recv()
        self._process.join()
        self.is_over = True
        return read


def _work(pipe: Connection, names: Sequence[str]) -> None:
    campaign = Campaign(names)
    while True:
        number = pipe.recv()
        if number is None:
            pipe.send(dict(campaign.read))
            return
        pipe.send(campaign.run(number))
