from __future__ import annotations

import threading

import pytest

from service.admission import Admission
from service.errors import Busy


def test_a_slot_is_free_again_after_use() -> None:
    admission = Admission(1)

    with admission.admitted():
        assert admission.take() is None

    assert admission.take() is not None


def test_without_a_free_slot_in_time_it_is_busy() -> None:
    admission = Admission(1)
    admission.take()

    with pytest.raises(Busy), admission.admitted():
        pytest.fail("no slot was free")


def test_a_slot_that_comes_free_in_time_is_taken() -> None:
    admission = Admission(1)
    slot = admission.take()
    assert slot is not None
    threading.Timer(0.02, admission.give_back, (slot,)).start()

    with admission.admitted():
        assert admission.take() is None


def test_a_slot_is_given_back_after_an_error() -> None:
    admission = Admission(1)

    with pytest.raises(KeyError), admission.admitted():
        raise KeyError

    assert admission.take() is not None
