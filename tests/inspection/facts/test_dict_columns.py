"""Models that take dictionaries: their columns are the keys of the vocabulary, on both sides."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline, make_union

from infer_cli.errors import ModelUnreadable, ModelUnsafe
from infer_cli.inspection import Declared, DeclaredFeature
from infer_cli.inspection.facts.required import require_columns
from service.errors import UnusableFile
from service.models.fitted_model import FittedModel
from service.schema import declared as service

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection import Inspection
    from tests.inspection.facts.entry_models import Fitted

ROWS = [
    {"city": "oslo", "temp": 3.0, "code": "a=b"},
    {"city": "lima", "temp": 21.5, "code": 7.0},
    {"city": "rome", "temp": 15.0, "code": "c"},
    {"city": "oslo", "temp": -4.0, "code": "a=b"},
] * 6
TARGET = [1.0, 4.0, 3.0, 0.5] * 6
NAMES = ("code", "city", "temp")


def shape(features: object) -> list[tuple[object, ...]]:
    return [
        (
            one.name,
            one.type,
            one.required,
            one.nullable,
            one.categories and tuple(one.categories),
            one.is_open,
        )
        for one in features  # type: ignore[attr-defined]  # the features of either side
    ]


@pytest.mark.parametrize("separator", ["=", ":", "=="])
def test_the_columns_are_the_keys_of_the_vocabulary(
    separator: str, inspect_bytes: Callable[..., Inspection]
) -> None:
    model = make_pipeline(DictVectorizer(separator=separator), LinearRegression()).fit(ROWS, TARGET)

    found = FittedModel(model)
    inspection = inspect_bytes(pickle.dumps(model))

    assert shape(inspection.features) == shape(found.features)
    assert shape(found.features) == [
        ("city", "category", True, True, ("lima", "oslo", "rome"), True),
        ("code", "any", True, False, None, False),
        ("temp", "number", True, False, None, False),
    ]
    require_columns(inspection)
    assert inspection.frame_reason is None


@pytest.mark.parametrize(
    ("row", "given"),
    [
        pytest.param(["oslo", "a=b", 3.0], {"city": "oslo", "code": "a=b", "temp": 3.0}, id="texts"),
        pytest.param(["lima", 7.0, 2.0], {"city": "lima", "code": 7.0, "temp": 2.0}, id="a number"),
        pytest.param(["bonn", "x", 2.0], {"city": "bonn", "code": "x", "temp": 2.0}, id="unknown"),
        pytest.param([None, "c", 2.0], {"code": "c", "temp": 2.0}, id="left out"),
        pytest.param([None, "c", None], {"city": None, "code": "c", "temp": None}, id="None"),
    ],
)
def test_the_answers_are_those_of_dictionaries(row: list[object], given: dict[str, object]) -> None:
    last = HistGradientBoostingRegressor(max_iter=9, min_samples_leaf=1)
    model = make_pipeline(DictVectorizer(sparse=False), last).fit(ROWS, TARGET)

    assert FittedModel(model).ask([row]).values == model.predict([given]).tolist()  # type: ignore[list-item]


def test_numbers_alone_are_dictionaries_too() -> None:
    rows = [{"a": float(at), "b": at % 3.0} for at in range(12)]
    model = make_pipeline(DictVectorizer(), LinearRegression()).fit(rows, range(12))

    found = FittedModel(model)

    assert [one.type for one in found.features] == ["number", "number"]
    assert found.program is None
    assert found.ask([[3.0, 1.0]]).values == model.predict([{"a": 3.0, "b": 1.0}]).tolist()


def test_the_keys_of_a_hasher_are_declared(inspect_bytes: Callable[..., Inspection]) -> None:
    model = make_pipeline(FeatureHasher(64), LinearRegression()).fit(ROWS, TARGET)

    with pytest.raises(UnusableFile, match="which columns it takes"):
        FittedModel(model)
    with pytest.raises(ModelUnreadable, match="which columns it takes"):
        require_columns(inspect_bytes(pickle.dumps(model)))
    found = FittedModel(model, service.Declared(tuple(map(service.DeclaredFeature, NAMES))))
    inspection = inspect_bytes(pickle.dumps(model), declared=Declared(tuple(map(DeclaredFeature, NAMES))))

    assert shape(inspection.features) == shape(found.features)
    assert [one.nullable for one in found.features] == [False] * 3
    given = {"code": "c", "city": "oslo", "temp": 1.0}
    assert found.ask([list(given.values())]).values == model.predict([given]).tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("first", "changed", "reason"),
    [
        pytest.param(FeatureHasher(8), {"input_type": "string"}, "takes lists", id="lists of strings"),
        pytest.param(FeatureHasher(8), {"input_type": "pair"}, "takes lists", id="pairs"),
    ],
)
def test_what_no_row_can_hold_is_refused(
    first: Fitted, changed: dict[str, str], reason: str, inspect_bytes: Callable[..., Inspection]
) -> None:
    rows = ROWS if isinstance(first, FeatureHasher) else [str(row) for row in ROWS]
    model = make_pipeline(first, LinearRegression()).fit(rows, TARGET)
    model[0].set_params(**changed)

    with pytest.raises(UnusableFile, match=reason):
        FittedModel(model)
    with pytest.raises(ModelUnreadable, match=reason):
        inspect_bytes(pickle.dumps(model))


@pytest.mark.parametrize("taken", ["filename", "file"])
def test_what_reads_files_is_refused(taken: str, inspect_bytes: Callable[..., Inspection]) -> None:
    model = make_pipeline(TfidfVectorizer(), LinearRegression()).fit([str(row) for row in ROWS], TARGET)
    model[0].set_params(input=taken)

    with pytest.raises(UnusableFile, match="reads files"):
        FittedModel(model)
    with pytest.raises(
        ModelUnsafe, match=rf"holds '{taken}' as steps\[0\]\[1\]\.input, where only content may be"
    ):
        inspect_bytes(pickle.dumps(model))


def test_vectorizers_side_by_side_take_one_text(inspect_bytes: Callable[..., Inspection]) -> None:
    texts = ["good film", "bad film", "good", "bad"] * 3
    union = make_union(TfidfVectorizer(), CountVectorizer(analyzer="char"))
    model = make_pipeline(union, LogisticRegression()).fit(texts, [1, 0, 1, 0] * 3)

    found = FittedModel(model)

    assert shape(inspect_bytes(pickle.dumps(model)).features) == shape(found.features)
    assert [one.type for one in found.features] == ["text"]
    assert found.ask([["good film"], ["bad"]]).values == [1, 0]
