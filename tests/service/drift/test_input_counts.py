"""What is counted equals what counting one value after the other gives."""

from __future__ import annotations

import math
import multiprocessing
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.drift import input_counts
from service.drift.families import families_of
from service.drift.input_counts import FIRST_ROWS, ONE_OF, InputCounts
from service.schema.distribution import Distribution
from service.schema.features import Feature
from service.schema.usual import Usual, UsualRange, UsualValues

if TYPE_CHECKING:
    from multiprocessing.context import SpawnContext

    from service.drift.shared_counts import Regions
    from service.schema.features import Value

    Queue = Any

WAIT_S = 60
FEATURES = (
    Feature("ranged", nullable=True),
    Feature("spread out", nullable=True, dtype="int64"),
    Feature("unknown", nullable=True),
    Feature("color", "category", categories=("red", "blue", "", "unseen"), is_open=True, nullable=True),
    Feature("many", "category", categories=tuple(range(40)), is_open=True),
    Feature("is", "boolean", nullable=True),
    Feature("day", "date", nullable=True),
    Feature("note", "text"),
    Feature("idle", dtype="unused"),
)
USUAL = UsualValues(
    learned={
        "ranged": Usual(None, UsualRange(-1.0, 1.0, "bounds")),
        "spread out": Usual(None, None, Distribution((0.0, 0.0, 1.0, 5.0), (0.5, 0.25, 0.25))),
    }
)
EDGES = [math.nextafter(end, to) for end in (-1.0, 1.0, 0.0, 5.0) for to in (-math.inf, math.inf)]
NUMBERS = st.one_of(
    st.none(), st.sampled_from([-1.0, 1.0, 0.0, -0.0, 5.0, math.nan, *EDGES]), st.floats(-9, 9), st.integers()
)
ROWS = st.lists(
    st.tuples(
        NUMBERS,
        st.one_of(st.none(), st.integers(-3, 9), st.integers(-(2**63), 2**63)),
        NUMBERS,
        st.one_of(st.none(), st.sampled_from(["red", "blue", "", "unseen", "green", "missing"])),
        st.integers(-1, 45),
        st.one_of(st.none(), st.booleans()),
        st.one_of(st.none(), st.datetimes()),
        st.text(),
        st.none(),
    ).map(list),
    max_size=40,
)
# On a busy machine, nothing may be said of how long an example takes.
PATIENT = settings(
    derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def is_missing(value: Value) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def kind_and_bin(name: str, value: Value) -> tuple[str, str]:  # noqa: PLR0911 (a table of cases)
    """Tell the bin of a value as a person would."""
    if is_missing(value):
        return "missing", ""
    if name == "ranged":
        assert isinstance(value, (int, float))
        return ("below" if value < -1 else "above" if value > 1 else "inside"), "-1 to 1"
    if name == "spread out":
        assert isinstance(value, (int, float))
        if value <= 0:
            return ("below" if value < 0 else "inside"), "0"
        return ("above" if value > 5 else "inside"), ("0 to 1" if value <= 1 else "1 to 5")
    if name == "color":
        is_known = value in ("red", "blue", "", "unseen")
        return ("category", str(value)) if is_known else ("unseen", "(unseen)")
    if name == "many":
        assert isinstance(value, int)
        if 0 <= value < 30:
            return "category", str(value)
        return ("other", "(other)") if 30 <= value < 40 else ("unseen", "(unseen)")
    return ("category", str(value).lower()) if name == "is" else ("value", "")


def counted(inputs: InputCounts) -> dict[tuple[str, ...], float]:
    """Give the counts that are not 0 by feature, kind and bin."""
    _, values, *_ = families_of(inputs)
    assert len({labels for labels, _ in values.samples}) == len(values.samples)
    return {labels: count for labels, count in values.samples if count}


def expected(rows: list[list[Value]]) -> Counter[tuple[str, ...]]:
    return Counter(
        (feature.name, *kind_and_bin(feature.name, value))
        for row in rows
        for feature, value in zip(FEATURES, row)
        if feature.dtype != "unused"
    )


@PATIENT
@given(ROWS, ROWS)
def test_each_value_is_counted_in_its_bin(rows: list[list[Value]], more: list[list[Value]]) -> None:
    inputs = InputCounts(FEATURES, USUAL)

    inputs.saw(rows)
    inputs.saw(more)

    assert counted(inputs) == expected([*rows, *more])
    assert inputs.totals()[0] == len(rows) + len(more)


@PATIENT
@given(st.lists(st.tuples(*[st.one_of(st.just(math.nan), st.sampled_from(EDGES), st.floats(-9, 9))] * 3)))
def test_an_array_is_counted_as_lists_are(rows: list[tuple[float, ...]]) -> None:
    # A number may have categories, too.
    features = (*FEATURES[:2], Feature("code", categories=(1.0, 2.5, -0.0)))
    lists, array = InputCounts(features, USUAL), InputCounts(features, USUAL)

    lists.saw([[*row] for row in rows])
    array.saw(np.array(rows, dtype=np.float64).reshape(-1, 3))

    assert array.totals() == lists.totals()
    assert sum(array.totals()[1:]) == 3 * len(rows)


def test_no_label_is_made_of_what_a_client_sends() -> None:
    inputs = InputCounts(FEATURES, USUAL)
    before = [labels for family in families_of(inputs) for labels, _ in family.samples]

    secret: list[Value] = [123.456, 7, 8.25, "ada@example.org", 99, True, datetime(1815, 12, 10), "ada", None]  # noqa: DTZ001
    inputs.saw([secret] * 10)

    assert [labels for family in families_of(inputs) for labels, _ in family.samples] == before


def test_later_rows_are_looked_at_by_chance_and_each_with_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = InputCounts(FEATURES[:1], USUAL)
    inputs.saw(np.zeros((FIRST_ROWS, 1)))
    assert inputs.totals()[0] == FIRST_ROWS

    taken = []
    for place in range(ONE_OF):
        monkeypatch.setattr(input_counts, "random", lambda place=place: (place + 0.5) / ONE_OF)
        before = inputs.totals()[0]
        inputs.saw(np.zeros((3, 1)))
        taken.append(inputs.totals()[0] - before)
        assert inputs.is_due() is (place == 0)

    # Each of the three rows is looked at in one of 64 equally likely cases.
    assert taken == [1, 1, 1, *[0] * 61]


def test_a_large_batch_is_counted_in_parts() -> None:
    inputs = InputCounts(FEATURES[:1], USUAL)

    inputs.saw(np.linspace(-2, 2, 5000).reshape(-1, 1))

    assert inputs.totals()[0] == 5000
    assert counted(inputs) == {
        ("ranged", "below", "-1 to 1"): 1250,
        ("ranged", "inside", "-1 to 1"): 2500,
        ("ranged", "above", "-1 to 1"): 1250,
    }


def worker(inputs: InputCounts, regions: Regions, done: Queue, rows: int) -> None:
    inputs.join(regions)
    inputs.saw([[0.0]] * rows)
    done.put(inputs.totals()[0])


def worker_of_its_own(regions: Regions, done: Queue, rows: int) -> None:
    worker(InputCounts(FEATURES[:1], USUAL), regions, done, rows)


def context(method: str) -> SpawnContext:
    """Tell mypy that all contexts have what this one has."""
    return multiprocessing.get_context(method)  # type: ignore[return-value]


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_the_counts_of_all_workers_are_added_up(method: str) -> None:
    inputs = InputCounts(FEATURES[:1], USUAL)
    regions = inputs.regions(4)
    process = context(method)
    done = process.Queue()

    # The last one counts on where one that has ended did.
    for each in ([3, 5], [7, 11], [13]):
        workers = [process.Process(target=worker_of_its_own, args=(regions, done, rows)) for rows in each]
        for one in workers:
            one.start()
        for _ in workers:
            done.get(timeout=WAIT_S)
        for one in workers:
            one.join(WAIT_S)

    inputs.join(regions)
    assert inputs.totals()[0] == 39
