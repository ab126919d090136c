from __future__ import annotations

import threading
import time
from time import perf_counter_ns

import pytest

from service.errors import DeadlineExceeded
from service.prediction.deadlines import Deadline, kept
from service.prediction.model_calls import SECONDS_A_ROW, ModelCalls

PAST = Deadline.after(1, 0, "the test")


def test_a_call_that_takes_too_long_is_found_with_its_place() -> None:
    calls = ModelCalls()
    assert calls.stuck(0) is None

    with calls.one(1):
        assert calls.stuck(3600) is None
        end = perf_counter_ns() + 60 * 10**9
        while (found := calls.stuck(0)) is None:
            assert perf_counter_ns() < end

    assert found.startswith("with 1 row has not ended after 0 s, in ")
    assert calls.stuck(0) is None


def test_each_row_gives_a_call_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    calls = ModelCalls()

    with calls.one(500):
        now += 60 + 500 * SECONDS_A_ROW - 0.001
        assert calls.stuck(60) is None
        now += 0.002
        assert (calls.stuck(60) or "").startswith("with 500 rows has not ended after 65 s, in ")


def test_time_in_which_nothing_could_run_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    calls = ModelCalls()

    with calls.one(1):
        now += 3600
        assert calls.stuck(60, now - 59) is None
        assert calls.stuck(60, now - 61) is not None


def test_a_call_that_fails_has_ended() -> None:
    calls = ModelCalls()

    with pytest.raises(ValueError, match="no"), calls.one(1):
        raise ValueError("no")

    assert calls.stuck(-1) is None
    with calls.one(1):
        assert calls.stuck(-1) is not None


def test_a_call_waits_for_the_one_that_goes_on_until_its_deadline() -> None:
    calls = ModelCalls()
    made: list[int] = []

    def make(number: int, *, may_be_late: bool) -> None:
        with kept(PAST), calls.one(1, may_be_late=may_be_late):
            made.append(number)

    with calls.one(1):
        thread = threading.Thread(target=make, args=(1,), kwargs={"may_be_late": True})
        thread.start()
        with pytest.raises(DeadlineExceeded):
            make(2, may_be_late=False)
        assert made == []
    thread.join()

    assert made == [1]
