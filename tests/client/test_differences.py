from __future__ import annotations

import math

import pytest

from infer_cli.client.differences import Difference, Differences, Refusal


def compared(a: object, b: object, *, are_labels: bool = False, tolerance: float = 1e-9) -> Differences:
    """Compare one row with the predictions `a` and `b`."""
    found = Differences(tolerance, 10, are_labels)
    found.add(1, {"prediction": a}, {"prediction": b})
    return found


@pytest.mark.parametrize(
    ("a", "b"),
    [("x", "y"), (1, 2), ("1", 1), (True, 1), (["x", "y"], ["x", "z"]), (["x"], ["x", "x"]), (1.0, 1.5)],
)
def test_labels_differ_unless_they_are_equal(a: object, b: object) -> None:
    found = compared(a, b, are_labels=True, tolerance=10)

    assert (found.labels, found.numbers, found.is_same) == (1, 0, False)
    assert found.first_labels == [Difference(1, "prediction", a, b)]


@pytest.mark.parametrize(("a", "b"), [("x", "x"), (1, 1.0), ([True, "x"], [True, "x"])])
def test_equal_labels_are_the_same(a: object, b: object) -> None:
    assert compared(a, b, are_labels=True).is_same


@pytest.mark.parametrize(
    ("a", "b", "is_same"),
    [
        (1.0, 1.0 + 1e-10, True),
        (1.0, 1.0 + 1e-8, False),
        (1e12, 1e12 + 1, True),
        (0.0, 1e-10, True),
        (0.0, -1e-8, False),
        (math.nan, math.nan, True),
        (math.inf, math.inf, True),
        (math.inf, -math.inf, False),
        (1.0, math.nan, False),
        (1.0, None, False),
        ([1.0, 2.0], [1.0, 2.0 + 1e-10], True),
        ([1.0, 2.0], [1.0, 2.1], False),
        ([1.0, 2.0], [1.0], False),
    ],
)
def test_numbers_may_be_apart_by_the_tolerance(a: object, b: object, *, is_same: bool) -> None:
    found = compared(a, b)

    assert found.is_same is is_same
    assert found.numbers == (not is_same)


def test_largest_differences_are_kept_also_within_the_tolerance() -> None:
    found = Differences(0.5, 10, are_labels=False)

    found.add(1, {"prediction": 100.0}, {"prediction": 100.2})
    found.add(2, {"prediction": [5.0, 0.001]}, {"prediction": [5.0, 0.002]})

    assert found.is_same
    assert found.largest_absolute is not None
    assert found.largest_absolute.row == 1
    assert found.largest_absolute.absolute == pytest.approx(0.2)
    assert found.largest_relative is not None
    assert found.largest_relative.column == "prediction[1]"
    assert found.largest_relative.relative == pytest.approx(0.5)


def test_of_a_row_the_number_that_is_furthest_apart_is_kept() -> None:
    found = Differences(1e-9, 1, are_labels=True)

    for row in (1, 2):
        found.add(
            row,
            {"prediction": "x", "probability_x": 0.7, "probability_y": 0.30},
            {"prediction": "x", "probability_x": 0.5, "probability_y": 0.31},
        )

    assert (found.labels, found.numbers) == (0, 2)
    assert [(one.row, one.column) for one in found.first_numbers] == [(1, "probability_x")]


def test_values_that_only_one_answer_has_are_a_difference() -> None:
    found = Differences(1e-9, 10, are_labels=True)

    found.add(1, {"prediction": "x", "probability_x": 1.0}, {"prediction": "x", "distances": [1.0]})

    assert not found.is_same
    assert (dict(found.only_a), dict(found.only_b)) == ({"probability_x": 1}, {"distances": 1})


def test_rows_that_one_alone_refuses_are_a_difference() -> None:
    found = Differences(1e-9, 10, are_labels=True)

    found.add(1, Refusal("no"), {"prediction": "x"})
    found.add(2, {"prediction": "y"}, Refusal("never"))
    found.add(3, Refusal("no"), Refusal("never"))

    assert (found.rows, found.compared) == (3, 0)
    assert (found.a_refused, found.b_refused, found.both_refused) == (1, 1, 1)
    assert found.first_refused == [
        Difference(1, "prediction", Refusal("no"), "x"),
        Difference(2, "prediction", "y", Refusal("never")),
    ]
    assert not found.is_same


def test_rows_that_both_refuse_are_no_difference() -> None:
    found = Differences(1e-9, 10, are_labels=True)

    found.add(1, Refusal("no"), Refusal("never"))

    assert found.is_same
