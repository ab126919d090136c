from __future__ import annotations

from service.workers.pauses import Pauses


def test_pauses_grow_up_to_ten_seconds() -> None:
    pauses = Pauses()

    assert [pauses.after_end(now) for now in range(9)] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10]


def test_after_a_calm_minute_the_pause_is_short_again() -> None:
    pauses = Pauses()
    for now in range(9):
        pauses.after_end(now)

    assert pauses.after_end(8 + 10 + 59) == 10
    assert pauses.after_end(77 + 10 + 61) == 0.1
