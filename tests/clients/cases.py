"""Models of every kind, each with rows that clients ask it for, and what the model itself answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

if TYPE_CHECKING:
    from collections.abc import Callable

# Estimators, and tables of pandas and NumPy, which have no types.
Model = Any
Table = Any

COLUMNS = ["slength", "swidth", "plength", "pwidth"]
ROWS = 8
LARGEST = 2**62


@dataclass(frozen=True)
class Case:
    """A model, and the table of the rows that are asked for."""

    model: Model
    table: Table

    @property
    def names(self) -> list[str]:
        """The columns of the model, as the service calls them."""
        if isinstance(self.table, pd.DataFrame):
            return list(self.table.columns)
        return [f"x{at}" for at in range(self.table.shape[1])]

    @property
    def numbers(self) -> Any:
        """The table as an array of numbers."""
        return np.asarray(self.table, np.float64)

    def right(self, result: str) -> Any:
        """What the model itself gives, as an array."""
        if result == "distances":
            return self.model.kneighbors(self.table)[0]
        if result == "kneighbors":
            return self.model.kneighbors(self.table)[1]
        method, _, output = result.partition(".")
        # The logarithm of 0 is -inf, of which NumPy warns.
        with np.errstate(divide="ignore"):
            found = getattr(self.model, method)(self.table)
        return np.asarray(found[int(output)] if output else found)

    def of_rows(self, table: Table) -> Case:
        """The same model, asked for other rows."""
        return Case(self.model, table)


def _iris() -> tuple[Any, Any]:
    data = load_iris(as_frame=True)
    return data.data.set_axis(COLUMNS, axis="columns"), np.asarray(data.target_names, object)[data.target]


def _some(table: Any) -> Any:
    """Every twentieth row, so that every class is among them."""
    return table[::20][:ROWS]


def _numeric(model: Model, labels: Callable[[Any], Any] | None = None, *, is_named: bool = True) -> Case:
    table, species = _iris()
    table = table if is_named else table.to_numpy()
    if labels is None:
        return Case(model.fit(table), _some(table))
    return Case(model.fit(table, labels(species)), _some(table))


def _codes(species: Any) -> Any:
    return np.unique(species, return_inverse=True)[1]


def _two_labels(species: Any) -> Any:
    """One label of three classes, and one of two."""
    return np.column_stack([species, np.where(species == "setosa", "yes", "no").astype(object)])


def _two_numbers(_: Any) -> Any:
    table, _ = _iris()
    return np.column_stack([table.plength * 2, table.pwidth + table.swidth])


def _mixed() -> Case:
    count = 40
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": np.where(np.arange(count) % 7 == 3, np.nan, random.normal(40, 9, count).round(2)),
            "rooms": np.resize([1, 2, 3, 5], count),
            "town": np.resize(np.array(["Köln", "New York", 'say "hi"', "a,b"], dtype=object), count),
            "size": np.resize(np.array(["S", "M", "L"], dtype=object), count),
            "member": np.resize([True, False, False], count),
            "note": np.resize(np.array(["good buy", "söße & klein", "bad", "a\nb"], dtype=object), count),
        }
    )
    steps = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "rooms"]),
        (OneHotEncoder(), ["town", "size"]),
        (OrdinalEncoder(), ["member"]),
        (TfidfVectorizer(), "note"),
    )
    target = np.where(table.rooms * 10 + table.age.fillna(40) > 60, "yes", "no")
    return Case(make_pipeline(steps, LogisticRegression(max_iter=500)).fit(table, target), table[:ROWS])


def _with_gaps() -> Case:
    table, species = _iris()
    table = table.mask(np.random.default_rng(1).random(table.shape) < 0.2)
    model = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(table, species)
    return Case(model, _some(table))


CASES: dict[str, Callable[[], Case]] = {
    "strings": lambda: _numeric(LogisticRegression(max_iter=500), lambda species: species),
    "integers": lambda: _numeric(RandomForestClassifier(5, random_state=0), _codes, is_named=False),
    "booleans": lambda: _numeric(LogisticRegression(), lambda species: species == "setosa"),
    "large integers": lambda: _numeric(
        RandomForestClassifier(5, random_state=0), lambda species: LARGEST + 1 + _codes(species)
    ),
    "with gaps": _with_gaps,
    "mixed": _mixed,
    "regressor": lambda: _numeric(LinearRegression(), _codes),
    "several labels": lambda: _numeric(
        MultiOutputClassifier(RandomForestClassifier(5, random_state=0)), _two_labels
    ),
    "several numbers": lambda: _numeric(LinearRegression(), _two_numbers),
    "clusterer": lambda: _numeric(KMeans(3, n_init=1, random_state=0)),
    "mixture": lambda: _numeric(GaussianMixture(2, random_state=0)),
    "transformer": lambda: _numeric(StandardScaler()),
    "outlier detector": lambda: _numeric(IsolationForest(n_estimators=10, random_state=0)),
    "neighbors": lambda: _numeric(NearestNeighbors(n_neighbors=3), is_named=False),
}
# What each case gives by itself, and what a client may ask for besides.
RESULTS = {
    "strings": (["predict", "predict_proba"], ["predict_log_proba", "decision_function"]),
    "integers": (["predict", "predict_proba"], ["predict_log_proba", "apply"]),
    "booleans": (["predict", "predict_proba"], ["predict_log_proba", "decision_function"]),
    "large integers": (["predict", "predict_proba"], ["apply"]),
    "with gaps": (["predict", "predict_proba"], ["decision_function"]),
    "mixed": (["predict", "predict_proba"], ["predict_log_proba", "decision_function"]),
    "regressor": (["predict"], []),
    "several labels": (["predict", "predict_proba.0", "predict_proba.1"], []),
    "several numbers": (["predict"], []),
    "clusterer": (["predict"], ["transform"]),
    "mixture": (["predict", "predict_proba", "score_samples"], []),
    "transformer": (["transform"], []),
    "outlier detector": (["predict", "decision_function", "score_samples"], []),
    "neighbors": (["kneighbors", "distances"], []),
}


def assert_same(found: Any, right: Any, *, is_json: bool = False) -> None:
    """Check an array of an answer: the same labels and whole numbers, and numbers to the last digits.

    JSON has null for an infinity, which clients read as NaN.
    """
    found, right = np.asarray(found), np.asarray(right)
    assert found.shape == right.shape
    if right.dtype.kind in "OUS":
        assert [_text(one) for one in found.ravel()] == [str(one) for one in right.ravel()]
    elif right.dtype.kind in "iub":
        assert found.tolist() == right.tolist()
    else:
        right = np.where(np.isinf(right), np.nan, right) if is_json else right
        np.testing.assert_allclose(found.astype(np.float64), right, rtol=1e-9, atol=1e-12)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
