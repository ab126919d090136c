"""The estimator kind, classes and columns of real models; an object that cannot be a model is refused."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from infer_cli.inspection import requirements_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infer_cli.errors import ModelUnreadable
    from infer_cli.inspection import Inspection

SPECIES = ("setosa", "versicolor", "virginica")

MEASURES = ("slength", "swidth")


def _joblib(model: object, protocol: int) -> bytes:
    file = io.BytesIO()
    joblib.dump(model, file, protocol=protocol)
    return file.getvalue()


# The estimator kind, the classes, the names of the columns, and the number of columns.
EXPECTED: dict[str, tuple[str, tuple[object, ...] | None, tuple[str, ...] | None, int | None]] = {
    "bools": ("classifier", (False, True), MEASURES, 2),
    "boosting": ("classifier", SPECIES, ("slength",), 1),
    "columns": ("classifier", SPECIES, (*MEASURES, "color"), 3),
    "forest": ("classifier", SPECIES, MEASURES, 2),
    "logistic": ("classifier", SPECIES, MEASURES, 2),
    "neighbors": ("classifier", (0, 1, 2), None, 2),
    "pipeline": ("classifier", SPECIES, MEASURES, 2),
    "search": ("regressor", None, MEASURES, 2),
    "svc": ("classifier", SPECIES, MEASURES, 2),
    "unnamed": ("classifier", (0, 1, 2), None, 2),
    "voting": ("classifier", SPECIES, MEASURES, 2),
    "words": ("classifier", SPECIES, None, 1),
}


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("dumps", [pickle.dumps, _joblib], ids=["pickle", "joblib"])
@pytest.mark.parametrize("name", EXPECTED)
def test_facts(
    name: str,
    dumps: Callable[[object, int], bytes],
    protocol: int,
    models: dict[str, object],
    inspect_bytes: Callable[..., Inspection],
) -> None:
    data = dumps(models[name], protocol)

    found = inspect_bytes(data)

    assert (found.kind, found.classes, found.feature_names, found.feature_count) == EXPECTED[name]
    assert found.sklearn_version == sklearn.__version__
    # joblib keeps arrays outside the pickle, which then may hold no name of NumPy 2.
    assert found.numpy_major == 2 or (dumps is _joblib and "numpy._core" not in str(found.globals))
    # The compiled losses of an older scikit-learn call their module `_loss`.
    assert {"numpy", "sklearn"} <= set(found.modules) <= {"_loss", "joblib", "numpy", "scipy", "sklearn"}
    assert found.size_bytes == len(data)
    assert found.sha256 == hashlib.sha256(data).hexdigest()


def test_classes_are_plain_values(
    models: dict[str, object], inspect_bytes: Callable[..., Inspection]
) -> None:
    for name, kind in {"bools": bool, "unnamed": int, "svc": str}.items():
        classes = inspect_bytes(pickle.dumps(models[name])).classes

        assert classes is not None
        assert {type(value) for value in classes} == {kind}


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_thousands_of_classes_and_columns(protocol: int, inspect_bytes: Callable[..., Inspection]) -> None:
    model = LogisticRegression()
    model.classes_ = np.array([f"a long name for class {index}" for index in range(3000)])
    model.feature_names_in_ = np.array([f"column {index}" for index in range(5000)], dtype=object)

    inspection = inspect_bytes(pickle.dumps(model, protocol))

    assert inspection.classes == tuple(model.classes_)
    assert inspection.feature_names == tuple(model.feature_names_in_)


@pytest.mark.parametrize(
    "classes",
    [
        np.array([1.5, -2.0]),
        np.array([1.5, 2.0], dtype=">f4"),
        np.array([-1, 1], dtype="i1"),
        np.array([200, 1], dtype="u1"),
        np.array([-1, 1], dtype=">i8"),
        np.array(["ä", "日本"], dtype=">U3"),
        np.array([b"a", b"b"]),
        np.array(["a", 1, None, True], dtype=object),
        np.array([np.int64(3), np.str_("x")], dtype=object),
        ["a", "b"],
    ],
    ids=[
        "numbers",
        "short numbers of the other order",
        "int8",
        "uint8",
        "int64 of the other order",
        "strings of the other order",
        "bytes",
        "mixed",
        "scalars",
        "list",
    ],
)
def test_classes_of_any_type(classes: Iterable[object], inspect_bytes: Callable[..., Inspection]) -> None:
    model = LogisticRegression()
    model.classes_ = classes
    expected = tuple(value.decode() if isinstance(value, bytes) else value for value in classes)

    for protocol in range(6):
        inspection = inspect_bytes(pickle.dumps(model, protocol))

        assert inspection.classes == expected
        assert json.dumps(inspection.as_dict(), allow_nan=False)


def test_classes_that_json_cannot_hold(inspect_bytes: Callable[..., Inspection]) -> None:
    model = LogisticRegression()
    model.classes_ = np.array([0.0, np.nan])

    assert inspect_bytes(pickle.dumps(model)).classes == (0.0, "nan")


@pytest.mark.parametrize(
    "classes",
    [
        np.array([1 + 2j]),
        [np.array([1]), np.array([2])],
        np.array([["a"], ["b"]]),
        np.array(["2020"], dtype="M8[Y]"),
    ],
    ids=["complex", "of several outputs", "of two dimensions", "years"],
)
def test_classes_that_are_not_plain(classes: object, inspect_bytes: Callable[..., Inspection]) -> None:
    model = LogisticRegression()
    model.classes_ = classes

    assert inspect_bytes(pickle.dumps(model)).classes is None


def test_classes_within_meta_estimators(inspect_bytes: Callable[..., Inspection]) -> None:
    data = np.arange(12.0).reshape(6, 2)
    target = np.array(["a", "b"] * 3)

    for model in (
        OneVsRestClassifier(LogisticRegression()),
        CalibratedClassifierCV(LogisticRegression(), cv=2),
    ):
        assert inspect_bytes(pickle.dumps(model.fit(data, target))).classes == ("a", "b")


def test_classes_of_xgboost(inspect_bytes: Callable[..., Inspection]) -> None:
    inspection = inspect_bytes(b"\x80\x04cxgboost.sklearn\nXGBClassifier\n)\x81}\x8c\x0an_classes_K\x03sb.")

    assert (inspection.kind, inspection.classes) == ("classifier", (0, 1, 2))
    assert [str(needed) for needed in requirements_of(inspection)] == ["scikit-learn", "xgboost"]


class Doubler:
    """A model class of the user."""

    def __init__(self) -> None:
        self.inner = LogisticRegression()
        self.classes_ = [1, 2]
        self.n_features_in_ = 3


def test_a_class_of_the_user(
    inspect_bytes: Callable[..., Inspection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Doubler, "__module__", "__main__")
    monkeypatch.setattr("__main__.Doubler", Doubler, raising=False)

    inspection = inspect_bytes(pickle.dumps(Doubler()))

    assert inspection.kind == "classifier"
    assert inspection.classes == (1, 2)
    assert inspection.feature_count == 3
    assert inspection.sklearn_version == sklearn.__version__
    assert inspection.modules == ("__main__", "sklearn")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([1, 2], "holds a list of length 2, not a model"),
        ((1,), "holds a tuple of length 1"),
        ({1, 2}, "holds a set of length 2"),
        ({"a": 1}, "holds a dictionary ('a')"),
        ({}, "holds a dictionary (empty)"),
        (3.5, "holds the value 3.5"),
        ("text", "holds the value 'text'"),
        (None, "holds the value None"),
        (b"bytes", "holds bytes"),
        (np.ones((2, 3)), "holds a NumPy array of shape (2, 3)"),
        (np.float64(2), "holds a numpy._core.multiarray.scalar"),
        (np.dtype("f8"), "holds a numpy.dtype"),
        (pd.DataFrame({"a": [1]}), f"holds a {pd.DataFrame.__module__}.DataFrame"),
        (dict, "holds the class or function builtins.dict itself"),
        (1 + 2j, "holds a builtins.complex"),
    ],
    ids=repr,
)
def test_pickles_of_no_model(value: object, reason: str, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    error = refusal(pickle.dumps(value))

    assert reason in error.message
    assert "save that, with joblib.dump(model, path)" in str(error.hint)
