from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING

from infer_cli.engine.usage import Usage
from infer_cli.errors import EngineError
from infer_cli.monitoring.readings import Readings

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stream:
    """A stream that gives what it is given; None ends it with an error."""

    def __init__(self) -> None:
        self.given: queue.Queue[Usage | None] = queue.Queue()
        self.readings = Readings(self._read)
        self.readings.begin()

    def _read(self) -> Iterator[Usage]:
        while True:
            usage = self.given.get()
            if usage is None:
                raise EngineError("no more")
            yield usage

    def give(self, usage: Usage) -> tuple[float | None, int | None]:
        """Give a reading, and take what is known when it was read."""
        self.given.put(usage)
        deadline_s = time.monotonic() + 30
        while self.readings._latest is not usage and time.monotonic() < deadline_s:
            time.sleep(0.001)
        return self.readings.take()


def test_the_share_is_that_between_two_takes() -> None:
    stream = Stream()

    assert stream.readings.take() == (None, None)
    assert stream.give(Usage(10.0, 5.0, 100)) == (None, 100)
    assert stream.give(Usage(12.0, 8.0, 200)) == (1.5, 200)
    # There is no newer reading: the last one is still the last word.
    assert stream.readings.take() == (1.5, 200)
    # It was started again, or is not measured any more.
    assert stream.give(Usage(14.0, 1.0, 200)) == (None, 200)
    assert stream.give(Usage(16.0, 2.0, 200)) == (0.5, 200)
    assert stream.give(Usage(18.0)) == (None, None)
    stream.given.put(None)


def test_a_stream_that_ended_is_read_again() -> None:
    stream = Stream()
    assert stream.give(Usage(10.0, 5.0, 100)) == (None, 100)

    stream.given.put(None)
    deadline_s = time.monotonic() + 30
    while stream.readings.take() != (None, None) and time.monotonic() < deadline_s:
        time.sleep(0.001)
    stream.readings._thread.join(30)  # type: ignore[union-attr]  # it was begun
    stream.readings.begin()

    assert stream.give(Usage(12.0, 6.0, 300)) == (None, 300)
    stream.given.put(None)
