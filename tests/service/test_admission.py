from __future__ import annotations

import threading

import pytest

from service.admission import Admission
from service.errors import Busy


def test_a_place_is_free_again_after_use() -> None:
    admission = Admission(1)

    with admission.admitted():
        assert admission.take() is None

    assert admission.take() is not None


def test_busy_if_none_comes_free() -> None:
    admission = Admission(1)
    admission.take()

    with pytest.raises(Busy), admission.admitted():
        pytest.fail("there was no place")


def test_one_that_comes_free_in_time_is_taken() -> None:
    admission = Admission(1)
    place = admission.take()
    assert place is not None
    threading.Timer(0.02, admission.give_back, (place,)).start()

    with admission.admitted():
        assert admission.take() is None


def test_a_place_is_given_back_after_an_error() -> None:
    admission = Admission(1)

    with pytest.raises(KeyError), admission.admitted():
        raise KeyError

    assert admission.take() is not None
