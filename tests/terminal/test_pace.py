from __future__ import annotations

from infer_cli.terminal.pace import Pace


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_pace_is_that_of_the_rows_since_the_beginning() -> None:
    clock = Clock()
    pace = Pace(50_000, clock)

    assert pace.text(50_000, None) == "50,000 rows"
    clock.now += 2
    assert pace.text(53_000, None) == "53,000 rows, 1,500 rows/s"
    assert pace.seconds == 2


def test_the_time_left_is_that_of_the_rest_of_the_file() -> None:
    """The part that an earlier run has done took no time."""
    clock = Clock()
    pace = Pace(0, clock)

    pace.text(0, None)
    clock.now += 1
    assert pace.text(1000, 0.5) == "1,000 rows, 1,000 rows/s"
    clock.now += 10
    assert pace.text(2000, 0.6) == "2,000 rows, 182 rows/s, 40 s left"
    clock.now += 10
    assert pace.text(3000, 0.6) == "3,000 rows, 143 rows/s, 1 min left"
