from __future__ import annotations

import threading

import pytest

from service.admission import Places
from service.errors import Busy


def test_a_place_is_free_again_after_use() -> None:
    places = Places(1)

    with places.waited_for():
        assert places.take() is None

    assert places.take() is not None


def test_busy_if_none_comes_free() -> None:
    places = Places(1)
    places.take()

    with pytest.raises(Busy), places.waited_for():
        pytest.fail("there was no place")


def test_one_that_comes_free_in_time_is_taken() -> None:
    places = Places(1)
    place = places.take()
    assert place is not None
    threading.Timer(0.02, places.give_back, (place,)).start()

    with places.waited_for():
        assert places.take() is None


def test_a_place_is_given_back_after_an_error() -> None:
    places = Places(1)

    with pytest.raises(KeyError), places.waited_for():
        raise KeyError

    assert places.take() is not None
