"""The names that stand in a compiled model's file: files written by an earlier infer use them."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from service.compiler import operations, outputs, trees
from service.compiler.archive import FORMAT, read_saved, write_saved
from service.compiler.fields import FEATURE_TYPES, FIELDS, KINDS
from service.compiler.functions import ACTIVATIONS, DECISIONS, LINKS, Outcome
from service.compiler.parity import Trial
from service.compiler.saved import Origin, Parity, Saved
from service.native.forest import Trees
from service.native.library import CATEGORIES, MISSING_LEFT, NODE
from service.schema.features import Feature

GOLDEN = Path(__file__).parents[2] / "golden"
ROWS = 96  # as few as a file may have


def sums_of_one_tree() -> trees.Sums:
    """A tree of one node with a category, one plain node and three leaves."""
    nodes = np.zeros(5, NODE)
    nodes["left"] = [1, 3, 2, 3, 4]
    nodes["feature"] = [CATEGORIES, 1, *[MISSING_LEFT] * 3]
    nodes["threshold"] = [0, 0.5, *[np.inf] * 3]
    return trees.Sums(
        Trees(
            nodes=nodes,
            leaf=np.array([0, 0, 0, 1, 2], np.int32),
            values=np.array([[1.0], [2.0], [3.0]]),
            sets=np.array([[1, 2, 3, 4]], np.uint64),
            roots=np.array([0], np.int32),
            columns=np.array([0], np.int32),
            outputs=1,
        ),
        start=np.zeros(1),
        divisor=2.0,
    )


def every_class() -> Saved:
    """What a file may hold, with each class at least once; no estimator compiles to this."""
    ones = np.ones(2)
    numeric: list[Any] = [
        operations.Shift(ones, None),
        operations.Stretch(ones, ones),
        operations.Clip(-1.0, 1.0),
        operations.Take(np.array([1, 0])),
        operations.Fill(ones),
        operations.Threshold(0.5),
        operations.Function("exp"),
        operations.Powers([np.array([0, 1])]),
        operations.Branches([operations.Branch([0], [operations.Clip(0.0, 1.0)])]),
    ]
    lookup = operations.Lookup(1, "a", [("a", 0.0), ("b", 1.0)], gap=None)
    table = operations.Table(
        [
            operations.Numbers([0], [operations.Fill(ones)], 0, 1),
            operations.OneHot([lookup]),
            operations.Codes([lookup], 3, -1.0),
        ],
        width=4,
    )
    models: list[Any] = [
        outputs.Chain([table, *numeric], outputs.Classifier(operations.Product(ones, 0.5), "positive")),
        outputs.TurnedBack(
            outputs.Regressor(sums_of_one_tree(), link=operations.Function("exp")),
            [operations.Stretch(ones, ones)],
        ),
        outputs.Classifier(trees.Votes(sums_of_one_tree()), "positive", "softmax of halves", is_flat=True),
        outputs.Classifier(operations.Gaussian(ones, ones, ones), "largest", "normalized logarithms"),
        outputs.Regressor(operations.Layers([np.ones((2, 1))], [np.ones(1)], "relu")),
    ]
    day = datetime(2026, 1, 31)  # noqa: DTZ001 (a model's dates have no zone)
    return Saved(
        kind="classifier",
        features=[
            Feature("age", "number"),
            Feature("town", "category", required=False, nullable=True, categories=("a", None), has_none=True),
            Feature("since", "date", categories=(day,), is_open=True, dtype="datetime64[ns]"),
        ],
        classes=["no", "yes"],
        path=outputs.Average(models, weights=ones, is_classifier=True),
        trial=Trial([[1.0, "a", day]] * ROWS, Outcome(np.zeros(ROWS, np.int64), np.full((ROWS, 2), 0.5))),
        origin=Origin("model.joblib", 1234, "sha256:abc", "Any", [("scikit-learn", "1.7.0")]),
        generated=Parity(ROWS, 0, 0.0, 1e-16),
        given=Parity(2, 0, 0.0, 0.0),
    )


def classes_in(described: object) -> set[str]:
    if isinstance(described, list):
        return set().union(*map(classes_in, described))
    if isinstance(described, dict):
        inner = set().union(*map(classes_in, described.values()))
        return inner | ({described["is"]} if "is" in described else set())
    return set()


def golden() -> dict[str, Any]:
    """The description of `every_class` as it was first written; the file holds one row of the trial."""
    described: dict[str, Any] = json.loads((GOLDEN / "every-class.model.json").read_text())
    described["trial"]["rows"] *= ROWS
    return described


def test_a_file_is_written_with_the_names_of_earlier_files() -> None:
    """A renamed class or field is another format: keep the name, or read both and raise FORMAT."""
    file = io.BytesIO()

    write_saved(file, every_class())

    with zipfile.ZipFile(file) as archive:
        described = json.loads(archive.read("model.json"))
    assert described == golden()
    assert classes_in(described) == {kind.__name__ for kind in FIELDS}


def test_a_file_with_the_names_of_earlier_files_is_read() -> None:
    written, earlier, again = io.BytesIO(), io.BytesIO(), io.BytesIO()
    write_saved(written, every_class())
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(earlier, "w") as target:
        target.writestr("model.json", json.dumps(golden()))
        for name in source.namelist()[1:]:
            target.writestr(name, source.read(name))

    write_saved(again, read_saved(earlier))

    assert again.getvalue() == written.getvalue()


def test_the_strings_that_files_hold_are_those_of_earlier_files() -> None:
    expected = json.loads((GOLDEN / "archive-strings.json").read_text())

    assert {
        "format": FORMAT,
        "kind": sorted(KINDS),
        "type": sorted(FEATURE_TYPES),
        "decision": sorted(DECISIONS),
        "link": sorted(LINKS),
        "activation": sorted(ACTIVATIONS),
        "function": sorted(operations.FUNCTIONS),
        "nodes": [list(field) for field in NODE.descr],
    } == expected


# A feature that the user has to declare is declared before its model is compiled; XGBoost's are not compiled.
# A compiled model takes a date that is a number for a scaler only as this number, and columns by their names.
UNSAVED = {"must_declare", "category_dtype", "unit", "is_positional", "reads_numbers"}


def test_the_fields_are_those_of_the_classes() -> None:
    for kind, read in FIELDS.items():
        names = (
            Outcome._fields
            if kind is Outcome
            else [
                field.name for field in dataclasses.fields(kind) if field.init and field.name not in UNSAVED
            ]
        )
        assert list(read) == list(names), kind
