from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from service.errors import DeadlineExceeded
from service.prediction.batching import MOST_ROWS, Batcher
from service.prediction.deadlines import Deadline, kept

if TYPE_CHECKING:
    from collections.abc import Callable


class Model:
    """Doubles numbers; the first call waits until it is told to go on."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.started = threading.Event()
        self.go_on = threading.Event()

    def __call__(self, rows: list[int]) -> list[int]:
        self.calls.append(rows)
        if len(self.calls) == 1:
            self.started.set()
            self.go_on.wait(30)
        if -1 in rows:
            message = "no negative numbers"
            raise ValueError(message)
        return [2 * row for row in rows]


def joined(parts: list[list[int]]) -> list[int]:
    return [row for part in parts for row in part]


def divided(answer: list[int], counts: list[int]) -> list[list[int]]:
    ends = [sum(counts[: at + 1]) for at in range(len(counts))]
    return [answer[end - count : end] for count, end in zip(counts, ends)]


def asked_at_once(
    model: Model, waiting: list[list[int]], *, most_rows: int = MOST_ROWS
) -> dict[int, list[int] | str]:
    """What each gets that asks while the model is busy with the first."""
    batcher = Batcher(model, joined, divided, most_rows=most_rows)
    answers: dict[int, list[int] | str] = {}

    def ask(number: int, rows: list[int]) -> None:
        try:
            answers[number] = batcher.ask(rows)
        except ValueError as error:
            answers[number] = str(error)

    threads = [threading.Thread(target=ask, args=(0, [0]))]
    threads[0].start()
    model.started.wait(30)
    for number, rows in enumerate(waiting, 1):
        threads.append(threading.Thread(target=ask, args=(number, rows)))
        threads[-1].start()
        until(lambda: len(batcher._waiting) == number)  # noqa: B023 (asked at once)
    model.go_on.set()
    for thread in threads:
        thread.join(30)
    return answers


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_those_who_wait_are_asked_for_together() -> None:
    model = Model()

    answers = asked_at_once(model, [[1], [2, 3], [4]])

    assert answers == {0: [0], 1: [2], 2: [4, 6], 3: [8]}
    assert model.calls == [[0], [1, 2, 3, 4]]


def test_a_request_that_comes_while_the_leader_releases_the_interpreter_goes_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = Model()
    model.go_on.set()
    batcher = Batcher(model, joined, divided)
    sleep = time.sleep
    answers: list[list[int]] = []
    other = threading.Thread(target=lambda: answers.append(batcher.ask([2, 3])))

    def look(seconds: float) -> None:
        # The first look of the leader: another thread gets the interpreter's lock.
        if seconds == 0 and other.ident is None:
            other.start()
            until(lambda: len(batcher._waiting) == 1)
        else:
            sleep(seconds)

    monkeypatch.setattr("service.prediction.batching.time.sleep", look)
    answers.append(batcher.ask([1]))
    other.join(30)

    assert sorted(answers) == [[2], [4, 6]]
    assert model.calls == [[1, 2, 3]]


def test_who_is_alone_seldom_looks_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []
    monkeypatch.setattr("service.prediction.batching.time.sleep", looks.append)
    model = Model()
    model.go_on.set()
    batcher = Batcher(model, joined, divided)

    for row in range(4 + 64):
        assert batcher.ask([row]) == [2 * row]

    assert looks == [0] * (4 + 2)


def test_an_error_stays_with_its_request() -> None:
    model = Model()

    answers = asked_at_once(model, [[1], [-1], [3]])

    assert answers == {0: [0], 1: [2], 2: "no negative numbers", 3: [6]}


def test_an_error_of_the_first_does_not_hold_up_the_others() -> None:
    model = Model()
    model.go_on.set()
    batcher = Batcher(model, joined, divided)

    with pytest.raises(ValueError, match="no negative"):
        batcher.ask([-1])

    assert batcher.ask([5]) == [10]


def test_no_more_rows_go_together_than_are_worth_it() -> None:
    model = Model()

    answers = asked_at_once(model, [[1] * 600, [2] * 600, [3]])

    assert [len(call) for call in model.calls] == [1, 600, 601]
    assert answers[3] == [6]


def test_a_model_that_may_look_at_several_rows_gets_each_request_alone() -> None:
    model = Model()

    asked_at_once(model, [[1], [2]], most_rows=0)

    assert model.calls == [[0], [1], [2]]


def test_many_threads_all_get_their_own() -> None:
    model = Model()
    model.go_on.set()
    batcher = Batcher(model, joined, divided)
    wrong: list[int] = []

    def ask(number: int) -> None:
        for turn in range(200):
            rows = [number * 1000 + turn] * (number % 3 + 1)
            if batcher.ask(rows) != [2 * row for row in rows]:
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not wrong
    assert sum(map(len, model.calls)) == 200 * sum(number % 3 + 1 for number in range(12))


PAST = Deadline.after(1, 0, "the test")


def test_a_request_past_its_deadline_leaves_the_queue_and_the_others_stay() -> None:
    model = Model()
    batcher = Batcher(model, joined, divided)
    answers: list[list[int]] = []
    threads = [threading.Thread(target=lambda row=row: answers.append(batcher.ask([row]))) for row in (0, 1)]
    threads[0].start()
    model.started.wait(30)
    threads[1].start()
    until(lambda: len(batcher._waiting) == 1)

    # The model is still busy with the first request.
    with kept(PAST), pytest.raises(DeadlineExceeded):
        batcher.ask([7])
    assert len(batcher._waiting) == 1
    model.go_on.set()
    for thread in threads:
        thread.join(30)

    assert sorted(answers) == [[0], [2]]
    assert model.calls == [[0], [1]]


def test_a_leader_past_its_deadline_lets_the_next_request_lead() -> None:
    model = Model()
    model.go_on.set()
    batcher = Batcher(model, joined, divided)

    with kept(PAST), pytest.raises(DeadlineExceeded):
        batcher.ask([7])

    assert batcher.ask([5]) == [10]
    assert model.calls == [[5]]
