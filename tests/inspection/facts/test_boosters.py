"""Facts of boosters whose libraries the tests do not install; `tests/integration` has real boosters."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import requirements_of
from infer_cli.inspection.facts.boosters import candidates, placed
from infer_cli.inspection.facts.required import require_columns
from infer_cli.inspection.formats.pickles.strings import STARTED_BYTES
from service.schema import boosters as served
from tests.service.schema.test_boosters import PLACED

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection import Inspection
    from infer_cli.inspection.nodes.arrays import Plain

# The version as XGBoost writes it in UBJSON: a list of three integers of one byte.
VERSION = b"version[#L\0\0\0\0\0\0\0\x03i\x03i\x02i\0"
LINES = "tree\nversion=v4\nfeature_names={}\nfeature_infos=none none none none\n"
PADDING = "x" * 5000


def head(version: str) -> bytes:
    """Give the start of a booster that a version of XGBoost saved."""
    return (Path(__file__).parents[2] / "golden" / "boosters" / f"xgboost-{version}.head").read_bytes()


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Make an object with attributes, of a class with this module and name."""

    def new(module: str, name: str, **attributes: object) -> object:
        home = sys.modules.get(module) or ModuleType(module)
        # An import of the module imports its package first.
        monkeypatch.setitem(sys.modules, module.partition(".")[0], ModuleType(module.partition(".")[0]))
        monkeypatch.setitem(sys.modules, module, home)
        made = type(name, (), {"__module__": module})
        setattr(home, name, made)
        instance = made()
        vars(instance).update(attributes)
        return instance

    return new


def xgboost_needed(inspection: Inspection) -> str:
    return next(str(need) for need in requirements_of(inspection) if need.name == "xgboost")


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize(
    ("before", "needed"),
    [
        pytest.param(0, "xgboost==3.2.0", id="short"),
        pytest.param(5000, "xgboost==3.2.0", id="long"),
        pytest.param(STARTED_BYTES, "xgboost", id="too far inside"),
    ],
)
def test_the_version_of_xgboost(
    protocol: int,
    before: int,
    needed: str,
    make: Callable[..., object],
    inspect_bytes: Callable[..., Inspection],
) -> None:
    handle = bytearray(before * b"-" + VERSION + 100 * b"-")
    model = make("xgboost.sklearn", "XGBClassifier", _Booster=make("xgboost.core", "Booster", handle=handle))

    inspection = inspect_bytes(pickle.dumps(model, protocol))

    assert xgboost_needed(inspection) == needed


def test_another_class_with_such_an_attribute_is_no_booster(
    make: Callable[..., object], inspect_bytes: Callable[..., Inspection]
) -> None:
    inspection = inspect_bytes(
        pickle.dumps(make("xgboost.sklearn", "XGBClassifier", handle=VERSION, n_classes_=2))
    )

    assert xgboost_needed(inspection) == "xgboost"


def lightgbm_of(make: Callable[..., object], names: str, columns: object, categories: object) -> bytes:
    booster = make(
        "lightgbm.basic",
        "Booster",
        _handle=LINES.format(names) + PADDING,
        params={"verbose": -1, "categorical_column": columns},
        pandas_categorical=categories,
    )
    return pickle.dumps(make("lightgbm.sklearn", "LGBMClassifier", _Booster=booster, _n_features_in=2))


def test_the_columns_of_lightgbm_and_their_categories(
    make: Callable[..., object], inspect_bytes: Callable[..., Inspection]
) -> None:
    inspection = inspect_bytes(lightgbm_of(make, "age town", [1], [["Oslo", "Rome"]]))

    assert inspection.feature_names == ("age", "town")
    assert inspection.features is not None
    assert [(one.type, one.categories, one.is_open, one.nullable) for one in inspection.features] == [
        ("number", None, False, True),
        ("category", ("Oslo", "Rome"), True, True),
    ]
    assert "pandas" in {need.name for need in requirements_of(inspection)}


@pytest.mark.parametrize(
    ("names", "columns", "categories"),
    [
        pytest.param("Column_0 Column_1", "auto", [], id="no names"),
        pytest.param("Column_0 Column_1", [0], [], id="numbers that are called categories"),
        pytest.param("Column_0 Column_1", None, None, id="nothing known"),
    ],
)
def test_columns_of_lightgbm_that_are_numbers(
    names: str,
    columns: object,
    categories: object,
    make: Callable[..., object],
    inspect_bytes: Callable[..., Inspection],
) -> None:
    inspection = inspect_bytes(lightgbm_of(make, names, columns, categories))

    assert inspection.feature_names is None
    assert inspection.features is not None
    assert {one.type for one in inspection.features} == {"number"}


@pytest.mark.parametrize("protocol", [3, 5])
def test_the_columns_of_xgboost_and_their_categories(
    protocol: int, make: Callable[..., object], inspect_bytes: Callable[..., Inspection]
) -> None:
    booster = make("xgboost.core", "Booster", handle=bytearray(head("3.2") + 5000 * b"-"))

    inspection = inspect_bytes(
        pickle.dumps(make("xgboost.sklearn", "XGBRegressor", _Booster=booster), protocol)
    )

    assert (inspection.feature_names, inspection.feature_count) == (("price", "brand", "shop"), 3)
    assert inspection.features is not None
    assert [(one.type, one.categories, one.is_open, one.nullable) for one in inspection.features] == [
        ("number", None, False, True),
        ("category", (11, 12, 19), False, True),
        ("category", ("east", "north", "south"), False, True),
    ]
    assert "pandas" in {need.name for need in requirements_of(inspection)}


def test_categories_that_xgboost_did_not_keep_are_asked_for(
    make: Callable[..., object], inspect_bytes: Callable[..., Inspection]
) -> None:
    booster = make("xgboost.core", "Booster", handle=bytearray(head("2.0")))

    with pytest.raises(
        ModelUnreadable, match='has features "brand", "shop" whose values are not known'
    ) as caught:
        require_columns(
            inspect_bytes(pickle.dumps(make("xgboost.sklearn", "XGBRegressor", _Booster=booster)))
        )

    assert 'infer.json beside the model: {"features": [{"name": "brand"' in str(caught.value.hint)
    # Followed as it stands, the hint is enough for all features.
    assert '{"name": "shop"' in str(caught.value.hint)


def test_categories_of_which_lightgbm_tells_no_column_must_be_declared(
    make: Callable[..., object], inspect_bytes: Callable[..., Inspection]
) -> None:
    inspection = inspect_bytes(lightgbm_of(make, "age town", [0], [["a"], ["b"]]))

    with pytest.raises(ModelUnreadable, match="does not tell which of its columns have categories"):
        require_columns(inspection)


@pytest.mark.parametrize(("infos", "chosen", "lists", "wanted"), PLACED)
def test_the_columns_of_the_categories_are_those_of_the_service(
    infos: str, chosen: list[int], lists: list[list[Plain]], wanted: dict[int, list[Plain]] | None
) -> None:
    assert placed(infos.split(" "), chosen, lists) == wanted
    assert candidates(infos.split(" "), lists) == served.candidates(infos.split(" "), lists)


def test_a_pickled_booster_of_xgboost_is_described_as_its_file(
    make: Callable[..., object], inspect_bytes: Callable[..., Inspection]
) -> None:
    booster = make("xgboost.core", "Booster", handle=bytearray(head("3.2")))

    inspection = inspect_bytes(pickle.dumps(booster))

    assert (inspection.kind, inspection.feature_names) == ("regressor", ("price", "brand", "shop"))
    assert [one.type for one in inspection.features or ()] == ["number", "category", "category"]
    assert xgboost_needed(inspection) == "xgboost==3.2.0"


def test_a_pickled_booster_of_lightgbm_is_described_as_its_file(
    make: Callable[..., object], inspect_bytes: Callable[..., Inspection]
) -> None:
    lines = "tree\nnum_class=1\nobjective=binary sigmoid:1\nmax_feature_idx=1\nfeature_names=age town\n"
    lines += "feature_infos=[1:9] 0:1\ntree_sizes=3\n\nTree=0\n"
    booster = make(
        "lightgbm.basic",
        "Booster",
        _handle=lines + PADDING,
        params={"categorical_column": [1]},
        pandas_categorical=[["Oslo", "Rome"]],
    )

    inspection = inspect_bytes(pickle.dumps(booster))

    assert (inspection.kind, inspection.classes) == ("classifier", (0, 1))
    assert [(one.name, one.type, one.categories) for one in inspection.features or ()] == [
        ("age", "number", None),
        ("town", "category", ("Oslo", "Rome")),
    ]


@pytest.mark.parametrize(
    ("module", "attributes"),
    [
        ("xgboost.core", {"handle": bytearray(b"{")}),
        ("xgboost.core", {"handle": None}),
        ("lightgbm.basic", {"_handle": "tree\nnum_class=1\n"}),
        ("lightgbm.basic", {"_handle": "tree\nnum_class=1\n\nTree=0\n"}),
    ],
)
def test_a_pickled_booster_that_tells_too_little_is_refused(
    module: str,
    attributes: dict[str, object],
    make: Callable[..., object],
    inspect_bytes: Callable[..., Inspection],
) -> None:
    with pytest.raises(ModelUnreadable, match="holds a Booster that infer does not read"):
        inspect_bytes(pickle.dumps(make(module, "Booster", **attributes)))
