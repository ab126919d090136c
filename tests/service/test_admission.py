from __future__ import annotations

import threading

import pytest

from service.admission import (
    BYTES_FOR_A_BODY_BYTE,
    BYTES_FOR_A_LINES_BYTE,
    BYTES_FOR_A_NUMBER,
    MOST_WAITING,
    SHORTEST_LIMIT,
    Memory,
    Places,
)
from service.errors import BodyTooLarge, Busy, TooManyRows


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


MEBIBYTE = 2**20


def test_without_a_limit_everything_is_let_in() -> None:
    memory = Memory.beside_the_model(None, workers=2)

    assert memory.most_body_bytes(10**9) == 10**9
    with memory.held():
        memory.take_body(10**9)
        memory.take_answer(5, 10**6)


def test_bodies_are_as_long_as_there_is_memory_for_them() -> None:
    memory = Memory(100 * MEBIBYTE)

    assert memory.most_body_bytes(10**9) == 75 * MEBIBYTE // BYTES_FOR_A_BODY_BYTE
    assert memory.most_body_bytes(1000) == 1000
    assert Memory(0).most_body_bytes(10**9) == SHORTEST_LIMIT


def test_what_a_request_takes_is_kept_from_others_until_it_ends() -> None:
    memory = Memory(100 * MEBIBYTE)
    longest = memory.most_body_bytes(10**9)

    def ask_too(outcomes: list[str]) -> None:
        with memory.held():
            # A short body is let in, whatever others take.
            memory.take_body(1000)
            try:
                memory.take_body(longest)
            except Busy as error:
                outcomes.append(str(error))
            else:
                outcomes.append("taken")

    def in_another_thread() -> str:
        outcomes: list[str] = []
        thread = threading.Thread(target=ask_too, args=(outcomes,))
        thread.start()
        thread.join()
        return outcomes[0]

    with memory.held():
        # While it comes, a body takes itself; so slow senders shut out nobody.
        memory.take_body(longest, is_there=False)
        memory.take_body(longest // 2)
        assert in_another_thread() == "requests take all the memory of this worker"
    assert in_another_thread() == "taken"
    assert in_another_thread() == "taken"


def test_answers_of_many_numbers_take_memory_too() -> None:
    memory = Memory(100 * MEBIBYTE)
    rows = 75 * MEBIBYTE // BYTES_FOR_A_NUMBER // 100

    with memory.held():
        memory.take_body(MEBIBYTE)
        memory.take_answer(100, rows)
        with pytest.raises(TooManyRows, match=f"more than the {rows} rows"):
            memory.take_answer(100, rows + 1)
    # Outside of a request, the service asks itself, as for its description.
    memory.take_answer(100, 10**9)


def test_lines_of_json_take_more_memory_than_their_length_tells() -> None:
    memory = Memory(100 * MEBIBYTE)
    longest = 75 * MEBIBYTE // BYTES_FOR_A_LINES_BYTE

    with memory.held():
        memory.take_body(longest, is_lines=True)
    with memory.held(), pytest.raises(BodyTooLarge) as refused:
        memory.take_body(longest + 1, is_lines=True, is_there=False)
    assert refused.value.details == {"max_body_bytes": longest}


def test_a_limit_leaves_what_the_processes_have_not_taken() -> None:
    large, small = (Memory.beside_the_model(limit, workers=2).total for limit in (2**40, MEBIBYTE))

    assert large is not None
    assert 0.4 * 2**40 < large < 0.5 * 2**40
    assert small == 0
