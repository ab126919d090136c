"""Files that hold a dictionary, list or tuple: the service chooses the model as the inspection does."""

from __future__ import annotations

import pickle
import sys
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from service.errors import ModelUnloadable
from service.loading.model_file import load_model
from service.schema.declared import Declared
from tests.service.loading.both_sides import check_both_sides

if TYPE_CHECKING:
    from pathlib import Path

RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(30, 2))
MODEL = LogisticRegression().fit(TABLE, TABLE[:, 0] > 0)
NAMED = LogisticRegression().fit(pd.DataFrame(TABLE, columns=["a", "b"]), TABLE[:, 0] > 0)
OTHER = Ridge().fit(TABLE, TABLE[:, 1])
SCALER = StandardScaler().fit(TABLE)
COLUMNS = ["age", "fare"]

# What is saved, and the names of the features.
ONE_MODEL: dict[str, tuple[object, list[str]]] = {
    "dictionary": ({"model": MODEL, "metrics": {"auc": 0.9}, "when": "today"}, ["x0", "x1"]),
    "columns": ({"columns": COLUMNS, "model": MODEL}, COLUMNS),
    "columns of an array": ({"feature_names": np.array(COLUMNS), "model": MODEL}, COLUMNS),
    "columns of objects": ({"features": np.array(COLUMNS, dtype=object), "model": MODEL}, COLUMNS),
    "columns of an index": ({"Feature_Cols": pd.Index(COLUMNS, dtype=object), "model": MODEL}, COLUMNS),
    "columns of an index of strings": (
        {"columns": pd.Index(COLUMNS, dtype=pd.StringDtype("python")), "model": MODEL},
        COLUMNS,
    ),
    "other count": ({"columns": [*COLUMNS, "survived"], "model": MODEL}, ["x0", "x1"]),
    "lists that differ": ({"columns": COLUMNS, "features": ["b", "a"], "model": MODEL}, ["x0", "x1"]),
    "the same name twice": ({"columns": ["a", "a"], "model": MODEL}, ["x0", "x1"]),
    "own names": ({"columns": COLUMNS, "model": NAMED}, ["a", "b"]),
    "list": ([MODEL, 0.9, None], ["x0", "x1"]),
    "as many strings as classes": ((COLUMNS, MODEL), ["x0", "x1"]),
    "columns around": ({"parts": {"model": MODEL}, "columns": COLUMNS}, COLUMNS),
    "columns of an index of the default dtype": ({"columns": pd.Index(COLUMNS), "model": MODEL}, COLUMNS),
    "two lists in a tuple": ((COLUMNS, MODEL, ["a", "b"]), ["x0", "x1"]),
    "within": ({"parts": [{"model": MODEL, "columns": COLUMNS}]}, COLUMNS),
    "numbered": ({0: MODEL, 1: "x"}, ["x0", "x1"]),
    "ordered": (OrderedDict(model=MODEL, columns=COLUMNS), COLUMNS),
    "bunch": (Bunch(model=MODEL, feature_names=COLUMNS), COLUMNS),
    "table": ({"model": MODEL, "head": pd.DataFrame(TABLE), "day": pd.Timestamp(0)}, ["x0", "x1"]),
    "folds": ({"model": MODEL, "folds": KFold(3)}, ["x0", "x1"]),
}
SEVERAL: dict[str, object] = {
    "scaler": {"model": MODEL, "scaler": SCALER},
    "scaler in a list": {"model": MODEL, "before": [SCALER]},
    "two models": [MODEL, OTHER],
    "class": {"model": MODEL, "make": Ridge},
    "method": {"model": MODEL, "prepare": SCALER.transform},
    "none": {"columns": COLUMNS},
}


@pytest.mark.parametrize("name", ONE_MODEL)
def test_the_one_model_of_a_file_is_served(name: str, tmp_path: Path) -> None:
    """Data beside the model does not matter; a list of its columns names features that have no names."""
    held, names = ONE_MODEL[name]
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(held))
    predictor = check_both_sides(file)
    assert [feature.name for feature in predictor.features] == names
    asked = predictor.model.ask([[3.0, 4.0]])
    assert asked.values == MODEL.predict([[3.0, 4.0]]).tolist()


@pytest.mark.parametrize("held", [(OTHER, COLUMNS), [COLUMNS, OTHER, 0.9]], ids=["tuple", "list"])
def test_the_only_list_of_as_many_strings_as_columns_names_them(held: object, tmp_path: Path) -> None:
    """In a tuple nothing says what a list is; a regressor has no classes that it could name."""
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(held))
    assert [feature.name for feature in check_both_sides(file).features] == COLUMNS


def test_a_dictionary_of_skops_is_served(tmp_path: Path) -> None:
    """An archive of skops may hold a dictionary too."""
    file = tmp_path / "model.skops"
    skops.io.dump({"model": MODEL, "columns": COLUMNS}, file)
    assert [feature.name for feature in check_both_sides(file).features] == COLUMNS


@pytest.mark.parametrize("name", SEVERAL)
def test_several_objects_are_refused_on_both_sides(name: str, tmp_path: Path) -> None:
    """Whatever is left out could change the answers."""
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(SEVERAL[name], protocol=4))
    with pytest.raises(ModelUnloadable):
        load_model(file, ("sklearn",))
    if sys.version_info >= (3, 11):
        from infer_cli.errors import ModelUnreadable  # noqa: PLC0415 (the host needs a newer Python)
        from infer_cli.inspection import inspect_model  # noqa: PLC0415

        with pytest.raises(ModelUnreadable):
            inspect_model(file)


@pytest.mark.parametrize(("member", "expected"), [("a.0", MODEL), ("b", OTHER)], ids=["inside", "outside"])
def test_a_member_is_chosen_by_its_path(member: str, expected: LogisticRegression, tmp_path: Path) -> None:
    """A key or a position names the model, with dots between them."""
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps({"a": (MODEL, SCALER), "b": OTHER}))
    loaded = load_model(file, declared=Declared(member=member))
    assert loaded.model.ask([[3.0, 4.0]]).values == expected.predict([[3.0, 4.0]]).tolist()


@pytest.mark.parametrize("held", [MODEL, {"model": MODEL}], ids=["no container", "container"])
def test_a_member_that_is_not_there_is_refused(held: object, tmp_path: Path) -> None:
    """A wrong name never falls back on another object."""
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(held))
    with pytest.raises(ModelUnloadable, match="member"):
        load_model(file, declared=Declared(member="other"))


def test_both_sides_know_the_same_data_and_keys() -> None:
    """The lists of the two modules are the same."""
    if sys.version_info < (3, 11):
        pytest.skip("the host needs a newer Python")
    from infer_cli.inspection.facts import members as host  # noqa: PLC0415
    from service.loading import members as served  # noqa: PLC0415

    for name in ("DEPTH_MAX", "MEMBERS_MAX", "DATA_MODULES", "DICTIONARIES", "COLUMNS_KEYS"):
        assert getattr(host, name) == getattr(served, name), name
