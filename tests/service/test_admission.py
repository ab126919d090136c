from __future__ import annotations

import threading

import pytest

from service.admission import MOST_WAITING, Places
from service.errors import Busy


def test_a_place_is_free_again_after_use() -> None:
    places = Places(1)

    with places.held():
        assert places.take() is None

    assert places.take() is not None


def test_where_no_place_came_free_lately_it_is_busy_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    places = Places(1)
    places.take()
    monkeypatch.setattr("service.admission.time.sleep", lambda _: pytest.fail("it waited"))

    with pytest.raises(Busy), places.held():
        pytest.fail("no place was free")


def test_a_place_that_comes_free_in_time_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.admission.LONGEST_WAIT_S", 60)
    places = Places(1)
    with places.held():
        pass
    place = places.take()
    assert place is not None
    threading.Timer(0.02, places.give_back, (place,)).start()

    with places.held():
        assert places.take() is None


def test_it_waits_no_longer_than_a_moment() -> None:
    places = Places(1)
    with places.held():
        pass
    places.take()

    with pytest.raises(Busy), places.held():
        pytest.fail("no place was free")


def test_only_some_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.admission.LONGEST_WAIT_S", 60)
    places = Places(1)
    with places.held():
        pass
    place = places.take()
    assert place is not None
    held = []

    def wait() -> None:
        with places.held():
            held.append(1)

    waiting = [threading.Thread(target=wait) for _ in range(MOST_WAITING)]
    for thread in waiting:
        thread.start()
    while places._waiting:
        pass

    with pytest.raises(Busy), places.held():
        pytest.fail("no place was free")
    places.give_back(place)
    for thread in waiting:
        thread.join()
    assert len(held) == MOST_WAITING


def test_a_place_is_given_back_after_an_error() -> None:
    places = Places(1)

    with pytest.raises(KeyError), places.held():
        raise KeyError

    assert places.take() is not None


def test_since_when_places_are_held() -> None:
    places = Places(2)
    first = places.take()
    places.take()
    assert first is not None

    assert len(places.held_since()) == 2
    places.give_back(first)
    assert len(places.held_since()) == 1
