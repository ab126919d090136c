from __future__ import annotations

import threading

import pytest

from infer_cli.monitoring.questions import Question


def test_an_answer_is_taken_once_and_then_asked_for_again() -> None:
    numbers = iter(range(10))
    question = Question(lambda: next(numbers))

    assert [question.take(None), question.take(None)] == [0, 1]


def test_a_late_answer_is_the_next_one_to_be_taken() -> None:
    may_answer, numbers = threading.Event(), iter(range(10))

    def ask() -> int:
        may_answer.wait(30)
        return next(numbers)

    question = Question(ask)
    with pytest.raises(TimeoutError):
        question.take(0.0)
    question.begin()
    may_answer.set()

    assert question.take(None) == 0
    assert next(numbers) == 1


def test_an_error_is_raised_where_the_answer_is_taken() -> None:
    question: Question[float] = Question(lambda: 1 / 0)
    question.begin()

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            question.take(None)
