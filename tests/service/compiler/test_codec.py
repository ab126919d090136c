"""A description is read as it was written. One with a wrong part or field is refused."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from service.compiler.archive import read_saved, write_saved
from service.errors import UnreadableArchive
from service.schema.features import Feature
from tests.service.compiler.conftest import compiled, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Save = Callable[..., Path]
    Change = Callable[[dict[str, Any]], object]


def test_a_date_is_read_as_it_was_written(classifier: LogisticRegression, save: Save) -> None:
    saved = compiled(save, classifier)
    day = datetime(2026, 1, 31)  # noqa: DTZ001 (a model's dates have no time zone)
    dated = Feature("since", "date", categories=(day,), dtype="unused")
    rows = [[*row, day] for row in np.asarray(saved.trial.rows).tolist()]
    trial = replace(saved.trial, rows=rows)

    read = read_saved(io.BytesIO(written(replace(saved, features=[*saved.features, dated], trial=trial))))

    assert read.features[-1] == dated
    assert read.trial.rows == rows


def test_a_value_without_a_type_in_json_is_not_saved(classifier: LogisticRegression, save: Save) -> None:
    saved = compiled(save, classifier)

    with pytest.raises(TypeError, match="a complex cannot be saved"):
        write_saved(io.BytesIO(), replace(saved, classes=[1j]))  # type: ignore[list-item]


def nested(described: dict[str, Any]) -> None:
    for _ in range(400):
        described["path"] = {"is": "Chain", "steps": [], "model": described["path"]}


SUMS = ("path", "scores")
TREES = (*SUMS, "trees")


def at(described: dict[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
    for name in place:
        described = described[name]
    return described


def put(place: tuple[str, ...], name: str, value: object) -> Change:
    return lambda described: at(described, place).update({name: value})


WRONG: list[tuple[str, Change, str]] = [
    ("another format", put((), "format", 2), "another version of infer"),
    ("no format", lambda described: described.pop("format"), "another version of infer"),
    ("more fields", put((), "more", 1), "a Saved with other fields"),
    ("a field less", lambda described: described.pop("given"), "a Saved with other fields"),
    ("a number for a part", put((), "path", 3), "a int in the place of a Average"),
    ("an unknown operation", put(("path",), "is", "eval"), "'eval' where no such part can be"),
    ("a known class in a wrong place", put(("path", "scores"), "is", "Feature"), "'Feature' where"),
    ("a list for a class name", put(("path",), "is", ["Chain"]), "where no such part can be"),
    ("an unknown kind", put((), "kind", "other"), "a Saved with a wrong value"),
    ("a number for a kind", put((), "kind", 1), "a Saved with a wrong value"),
    ("an unknown decision", put(("path",), "decision", "random"), "a Classifier with a wrong value"),
    ("a number for a boolean", put(("path",), "is_flat", 1), "a Classifier with a wrong value"),
    ("a boolean for a number", put(SUMS, "divisor", value=True), "a Sums with a wrong value"),
    ("a string for a list", put((), "features", "x0"), "a Saved with a wrong value"),
    ("packages that are no pairs", put(("origin",), "packages", [["a"]]), "an? Origin with a wrong value"),
    ("no features", put((), "features", []), "has no features"),
    (
        "two features of one name",
        lambda said: said["features"][0].update(name="x1"),
        "two features of one name",
    ),
    ("a list for a category", lambda said: said["features"][0].update(categories=[[]]), "a Feature with"),
    (
        "a date that is none",
        lambda said: said["features"][0].update(categories=[{"date": "1"}]),
        "a Feature with",
    ),
    (
        "one feature more than in the rows",
        lambda said: said["features"].append(dict(said["features"][0], name="x")),
        "trial rows",
    ),
    ("no classes", put((), "classes", None), "none of its classes"),
    ("one class less than in the answers", put((), "classes", [False]), "none of its classes"),
    ("a string for the number of an array", put(TREES, "leaf", {"array": "0"}), "a Trees with a wrong value"),
    ("an array that is not there", put(TREES, "leaf", {"array": 99}), "no compiled model"),
    ("an array before the first", put(TREES, "leaf", {"array": -1}), "no compiled model"),
    ("a list for an array", put(TREES, "leaf", [1]), "a Trees with a wrong value"),
    ("integers for nodes", put(TREES, "nodes", {"array": 1}), "a Trees with a wrong value"),
    ("a flat array for values", put(TREES, "values", {"array": 1}), "a Trees with a wrong value"),
    ("too many outputs", put(TREES, "outputs", 10**9), "a Sums that cannot be used"),
    ("negative outputs", put(TREES, "outputs", -1), "a Sums that cannot be used"),
    ("columns past the end", put(TREES, "columns", {"array": 1}), "a Sums that cannot be used"),
    (
        "roots past the end",
        lambda said: at(said, TREES).update(roots={"array": 1}, leaf={"array": 4}),
        "Sums",
    ),
    ("few rows", put(("trial",), "rows", {"array": 2}), "trial rows that are too few"),
    ("rows of values", put(("trial",), "rows", [[1.0, 2.0, 3.0]] * 100), "trial rows that are too few"),
    (
        "one answer less than rows",
        put(("trial", "wanted"), "values", {"array": 1}),
        "one answer for each trial row",
    ),
    ("an answer that is no array", put(("trial", "wanted"), "values", {"array": 99}), "no compiled model"),
    (
        "one array many times",
        lambda said: said.update(
            path={"is": "Average", "models": [said["path"]] * 50, "weights": None, "is_classifier": True}
        ),
        "the same arrays too often",
    ),
    ("integer features", lambda said: said["features"][0].update(dtype="int64"), "dtype is not float64"),
    ("too deep", nested, "nested too deeply"),
]


@pytest.mark.parametrize(("change", "reason"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_description_with_a_wrong_part_is_refused(
    change: Change, reason: str, remake: Callable[..., io.BytesIO]
) -> None:
    with pytest.raises(UnreadableArchive, match=reason):
        read_saved(remake(change))


def test_an_intercept_may_be_a_plain_number(save: Save) -> None:
    chance = np.random.default_rng(0)
    rows = chance.normal(size=(50, 2))
    model = make_pipeline(StandardScaler(), Ridge(fit_intercept=False)).fit(rows, rows[:, 0])

    read = read_saved(io.BytesIO(written(compiled(save, model))))

    assert read.path(rows) is not None
    assert not math.isnan(read.generated.value_difference)
