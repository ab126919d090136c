"""Both gates say the same of what sits where in a model, and take what real models hold."""

from __future__ import annotations

import copy
import pickle
import re
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.gaussian_process import GaussianProcessRegressor, kernels
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from infer_cli.inspection.facts.attributes import known_classes as classes_of_host
from infer_cli.inspection.facts.contents import check_contents as check_on_host
from infer_cli.inspection.facts.policy import _rules
from infer_cli.inspection.files.refusal import Unsafe
from infer_cli.inspection.files.stream import Stream
from infer_cli.inspection.formats.pickles.read import read_pickle
from service.errors import Forbidden
from service.loading.attributes import known_classes as classes_of_service
from service.loading.contents import check_contents as check_in_service
from service.loading.policy import MAKE, Policy
from service.loading.unpickling import load_safely

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 40
RANDOM = np.random.default_rng(0)
CLASSES = np.tile([0, 1], ROWS // 2)
TABLE = RANDOM.random((ROWS, 3)) + CLASSES[:, None]
TEXTS = [f"word{at % 3} other" for at in range(ROWS)]
LOGISTIC = LogisticRegression()
MODELS: dict[str, Any] = {
    "pipeline": make_pipeline(StandardScaler(), LOGISTIC).fit(TABLE, CLASSES),
    "columns": make_pipeline(
        ColumnTransformer([("a", OneHotEncoder(), [0]), ("b", StandardScaler(), slice(1, 3))]), LOGISTIC
    ).fit(np.round(TABLE), CLASSES),
    "forest": RandomForestClassifier(2).fit(TABLE, CLASSES),
    "gradient boosting": GradientBoostingClassifier(n_estimators=2).fit(TABLE, CLASSES),
    "histograms": HistGradientBoostingClassifier(max_iter=2).fit(TABLE, CLASSES),
    "stack": StackingClassifier([("a", LOGISTIC)], cv=2).fit(TABLE, CLASSES),
    "texts": make_pipeline(CountVectorizer(), LOGISTIC).fit(TEXTS, CLASSES),
    "kernel": GaussianProcessRegressor(kernels.RBF() + kernels.WhiteKernel()).fit(TABLE, CLASSES),
    "search": GridSearchCV(LOGISTIC, {"C": [1.0]}, cv=KFold(2, shuffle=True)).fit(TABLE, CLASSES),
    "neighbors": KNeighborsClassifier().fit(TABLE, CLASSES),
    "vectors": SVC().fit(TABLE, CLASSES),
    "function": make_pipeline(FunctionTransformer(np.log1p), LOGISTIC).fit(TABLE, CLASSES),
    "loss": SGDClassifier(loss="modified_huber").fit(TABLE, CLASSES),
}
# What is put in the place of each attribute in turn.
VALUES: dict[str, object] = {
    "none": None,
    "text": "eval",
    "array": np.ones(2),
    "objects": np.array(["a", None], dtype=object),
    "estimators": np.array([LOGISTIC, None], dtype=object),
    "list of estimators": [LOGISTIC],
    "estimator": LOGISTIC,
    "table": pd.DataFrame({"a": [1.0, 2.0]}),
    "sparse": csr_matrix(np.eye(2)),
    "function": np.log1p,
    "type": np.float64,
    "class": StandardScaler,
    "kernel": kernels.RBF(),
    "splitter": KFold(2),
    "random state": np.random.RandomState(0),
    "deep": [[("a", LOGISTIC, {"b": np.log})]],
    "pattern of names": {"a": "b", 1: 2.0},
}


def test_both_sides_read_the_same_lists() -> None:
    host, service = classes_of_host(), classes_of_service()

    assert {name: vars_of(one) for name, one in host.items()} == {
        name: vars_of(one) for name, one in service.items()
    }
    assert len(host) > 400


def vars_of(known: Any) -> tuple[object, ...]:
    """What is known of a class."""
    return known.group, known.methods, known.attributes, known.choices


def test_each_class_that_a_file_may_make_is_listed() -> None:
    """A class that is not listed could hold anything."""
    uses, _ = _rules()
    packages = ("sklearn", "scipy", "imblearn", "category_encoders", "lightgbm", "xgboost", "catboost")
    containers = {"Bunch", "_DictWithDeprecatedKeys"}
    made = {
        f"{module}.{name}"
        for (module, name), use in uses.items()
        if use == MAKE and module.partition(".")[0] in packages and name not in containers
    }

    assert made - set(classes_of_service()) == set()


@pytest.mark.parametrize("name", MODELS)
def test_both_sides_take_it(name: str, tmp_path: Path) -> None:
    assert verdicts(MODELS[name], tmp_path / "model.pkl") == (None, None)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", MODELS)
def test_both_sides_say_the_same(name: str, value: str, tmp_path: Path) -> None:
    """Each attribute of each part, with a value of another kind."""
    original = pickle.dumps(MODELS[name])
    count = len(places(pickle.loads(original)))
    refused = 0

    for at in range(count):
        model = pickle.loads(original)
        part, attribute = places(model)[at]
        vars(part)[attribute] = copy.deepcopy(VALUES[value])
        host, service = verdicts(model, tmp_path / "model.pkl")

        assert host == service, f"{type(part).__name__}.{attribute}"
        refused += host is not None

    if value == "none":
        assert refused == 0
    if value in ("table", "kernel", "deep"):
        assert refused > count // 3


class NestedPartial:
    """Is loaded as a partial object of another one: Python itself makes one of both."""

    def __reduce__(self) -> tuple[object, ...]:
        return partial, (np.square,), (partial(np.square, where=False), (), {}, None)


@pytest.mark.parametrize(
    ("func", "kw_args", "reason"),
    [
        (np.square, {"where": False}, r"gives a function a mask as steps\[0\]\[1\]\.kw_args"),
        (partial(np.add, 1.0, where=np.zeros(2, bool)), None, r"gives a function a mask as .*\.func"),
        (np.log1p, {"extobj": [8192, 0, np.float64]}, r"gives a function a call .*\.kw_args"),
        (NestedPartial(), None, r"a partial object of another one as .*\.func"),
    ],
    ids=["mask", "mask in a partial object", "call for errors", "partial object in another"],
)
def test_both_sides_refuse_arguments_that_reach_the_memory(
    func: object, kw_args: object, reason: str, tmp_path: Path
) -> None:
    """NumPy computes nothing where a mask says so, and answers with what the memory held before."""
    model = make_pipeline(FunctionTransformer(func, kw_args=kw_args), LOGISTIC)

    host, service = verdicts(model, tmp_path / "model.pkl")

    assert host == service
    assert re.search(reason, str(host))


@pytest.mark.parametrize("attribute", ["analyzer", "preprocessor", "strip_accents", "tokenizer"])
def test_both_sides_let_no_function_of_numbers_take_texts(attribute: str, tmp_path: Path) -> None:
    """NumPy multiplies a text as Python does: the text of a request would take all memory."""
    model = copy.deepcopy(MODELS["texts"])
    setattr(model[0], attribute, partial(np.multiply, np.array([10**6], dtype=object)))

    host, service = verdicts(model, tmp_path / "model.pkl")

    assert host == service
    assert f"holds a function as steps[0][1].{attribute}" in str(host)


def test_both_sides_take_the_type_of_an_array(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(np.asarray, kw_args={"dtype": np.float32}), LOGISTIC)

    assert verdicts(model, tmp_path / "model.pkl") == (None, None)


def test_both_sides_take_a_column_only_where_it_chooses_columns(tmp_path: Path) -> None:
    model = copy.deepcopy(MODELS["columns"])
    encoder, chosen = model[0].transformers_[0][1], pd.Series([True, False, False])
    model[0].transformers_[0] = ("a", encoder, chosen)
    elsewhere = copy.deepcopy(model)
    elsewhere[0].transformers_[0] = ("a", chosen, [0])

    host, service = verdicts(elsewhere, tmp_path / "model.pkl")

    assert verdicts(model, tmp_path / "model.pkl") == (None, None)
    assert host == service
    assert "holds a table as steps[0][1].transformers_[0][1]" in str(host)


def places(model: object) -> list[tuple[object, str]]:
    """Give each part of a model that has attributes, with the name of each attribute."""
    found: list[tuple[object, str]] = []
    waiting, seen = [model], set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, (list, tuple)):
            waiting += part
        elif type(part).__module__.startswith("sklearn.") and hasattr(part, "__dict__"):
            # Only a TreePredictor with an array of nodes can be saved.
            found += [(part, name) for name in vars(part) if name not in ("_sklearn_version", "nodes")]
            waiting += vars(part).values()
    return found


def verdicts(model: object, file: Path) -> tuple[str | None, str | None]:
    """Give what each side says of a model, or None if it takes it."""
    data = pickle.dumps(model)
    content, _ = read_pickle(Stream(BytesIO(data)))
    host = service = None
    try:
        check_on_host(content)
    except Unsafe as refused:
        host = refused.reason
    file.write_bytes(data)
    try:
        check_in_service(load_safely(file, Policy()), Policy())
    except Forbidden as refused:
        service = str(refused)
    return host, service
