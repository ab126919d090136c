"""Generates models, rows for them, and the models' own answers to tables made apart from the service.

A row is asked for alone, in a table of one row that has the dtypes of the training table where its values fit
them, and the dtypes that pandas gives otherwise. So a data scientist asks a model for one row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import sklearn
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from tests.service.row_models import date_parts, fingerprint

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

TRAINING_ROWS = 12
TEXTS = ("red", "blue", "Red", " red", "red ", "", "1", "1.0", "true", "None", "nan", "größe")
WHOLE = (0, 1, 2, 7, -5, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**62, 2**63 - 1)
FLOATS = (0.0, 0.5, 1.0, 2.0, -7.25, 1e17, 1e-9)
DATES = ("2026-01-31", "2026-01-31T12:30:00", "1999-12-31T23:59:59.000001", "2024-02-29")
# Values that any row may have, whatever its column is made for.
ODD = (None, True, False, "", " ", "x", "1", 1, 1.5, 0, 2**63, 2**64 - 1, 10**30, "2026-01-31", 1e39)


@dataclass
class Case:
    """A fitted model, the table that it was trained with, and rows in JSON's types."""

    name: str
    model: Any
    training: Any
    rows: list[dict[str, Any]]
    is_named: bool = True
    # Nothing tells the dtypes of the training table.
    is_untyped: bool = False
    has_none: set[str] = field(default_factory=set)

    def own_answer(self, row: dict[str, Any]) -> Any:
        """Give the model's own prediction for one row; raise what the model raises."""
        values = [
            # By the rules of the service, an empty string is a missing value where strings cannot be.
            None
            if isinstance(row[name], str) and not row[name].strip() and not self._takes_texts(name)
            else row[name]
            for name in self.training.columns
        ]
        if not self.is_named:
            is_object = any(dtype.kind == "O" for dtype in self.training.dtypes)
            filled = [np.nan if value is None else value for value in values]
            return self.model.predict(np.array([filled], dtype=object if is_object else np.float64)).tolist()[
                0
            ]
        columns = {
            name: pd.Series([np.nan if value is None else value])
            if self.is_untyped
            else own_column(value, self.training[name], keeps_none=name in self.has_none)
            for name, value in zip(self.training.columns, values)
        }
        return self.model.predict(pd.DataFrame(columns)).tolist()[0]

    def _takes_texts(self, name: str) -> bool:
        trained = self.training[name]
        return self.is_untyped or any(isinstance(value, str) for value in trained)


def own_column(value: Any, trained: Any, *, keeps_none: bool) -> Any:
    """Make a column of one value with the dtype of the training column, where that changes no value."""
    dtype = trained.dtype
    if value is None:
        value = None if keeps_none else np.nan
    if str(dtype) in ("object", "str"):
        return pd.Series([value], dtype=dtype)
    if dtype.kind == "M":
        return pd.Series([pd.Timestamp(value)])
    if str(dtype) == "category":
        known = dtype.categories
        return pd.Series(pd.Categorical([value if value in set(known) else None], categories=known))
    if isinstance(value, bool) and dtype.kind == "f":
        return pd.Series([float(value)])
    if isinstance(value, (int, float)) and not isinstance(value, bool) and dtype.kind in "if":
        cast = np.array([value]).astype(dtype)
        return pd.Series(cast) if cast[0] == value or dtype.kind == "f" else pd.Series([value])
    return pd.Series([value])


@st.composite
def encoded_tables(draw: DrawFn) -> Case:
    """Give a column transformer of encoders, imputers and scalers, and a linear model on top of it."""
    kinds = draw(
        st.lists(
            st.sampled_from(["text", "whole", "float", "boolean", "date", "number", "number with gaps"]),
            min_size=1,
            max_size=4,
        )
    )
    table: dict[str, Any] = {}
    branches: list[tuple[str, Any, list[str]]] = []
    pools: dict[str, list[Any]] = {}
    has_none = set()
    for at, kind in enumerate(kinds):
        name = f"c{at} {kind}" if draw(st.booleans()) else f"c{at}"
        values, pool = draw(known_values(kind))
        gaps = kind in ("text", "float") and draw(st.booleans())
        column = list(np.resize(np.array(values, dtype=object), TRAINING_ROWS))
        if gaps or kind == "number with gaps":
            column[::5] = [None] * len(column[::5])
        table[name] = training_column(kind, column)
        if kind == "text" and gaps and table[name].dtype == object:
            has_none.add(name)
        pools[name] = [*pool, *([None] if gaps else [])]
        branches.append((name, draw(transformers(kind, gaps=gaps)), [name]))
    frame = pd.DataFrame(table)
    transformer = ColumnTransformer(branches, sparse_threshold=0)
    model = make_pipeline(transformer, LinearRegression()).fit(frame, np.arange(TRAINING_ROWS) ** 1.5)
    return Case("encoded", model, frame, draw(rows_of(pools)), has_none=has_none)


@st.composite
def known_values(draw: DrawFn, kind: str) -> tuple[list[Any], list[Any]]:
    """Give the values of a training column, and a pool of values for rows."""
    every: dict[str, tuple[Any, ...]] = {
        "text": TEXTS,
        "whole": WHOLE,
        "float": FLOATS,
        "boolean": (True, False),
        "date": DATES,
        "number": (*FLOATS, 3),
        "number with gaps": (*FLOATS, 3),
    }
    pool = every[kind]
    known = draw(st.lists(st.sampled_from(pool), min_size=2, max_size=4, unique=True))
    # Beyond 53 bits, a number is rounded. It is not in the training table: a scaler of such numbers is taken
    # for a scaler of dates.
    return known, [*known, *pool, *([2**53 + 1] if kind == "number" else [])]


def training_column(kind: str, values: list[Any]) -> Any:
    if kind == "date":
        return pd.Series([pd.Timestamp(value) for value in values])
    if kind in ("number", "number with gaps", "float"):
        return pd.Series([np.nan if value is None else float(value) for value in values])
    if kind == "boolean":
        return pd.Series(values, dtype=bool)
    if kind == "whole":
        return pd.Series(values, dtype="int64")
    return pd.Series(values)


@st.composite
def transformers(draw: DrawFn, kind: str, *, gaps: bool) -> Any:
    if kind == "number":
        return draw(st.sampled_from(["passthrough", StandardScaler()]))
    if kind == "number with gaps":
        return make_pipeline(SimpleImputer(), StandardScaler())
    if kind == "date":
        return draw(st.sampled_from([OneHotEncoder(), FunctionTransformer(date_parts)]))
    encoders = [
        OneHotEncoder(),
        OneHotEncoder(handle_unknown="ignore"),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-3, encoded_missing_value=-2),
    ]
    if gaps and kind == "text":
        encoders.append(make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder()))
    return draw(st.sampled_from(encoders))


@st.composite
def rows_of(draw: DrawFn, pools: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Give rows: mostly of the pools, and sometimes with a value that is made for another column."""
    values = {
        name: st.one_of(st.sampled_from(pool), st.sampled_from(pool), st.sampled_from([*pool, *ODD]))
        for name, pool in pools.items()
    }
    return draw(st.lists(st.fixed_dictionaries(values), min_size=2, max_size=6))


@st.composite
def own_functions(draw: DrawFn) -> Case:
    """Give an own function over columns of which nothing is known, and a linear model on top of it."""
    count = draw(st.integers(1, 3))
    mixed = [*TEXTS, *WHOLE, 2**63, 2**64 - 1, *FLOATS, True, False, None, "2026-01-31"]
    pools = {f"c{at}": mixed for at in range(count)}
    frame = pd.DataFrame({name: np.resize([1.5, 2.5, 3.5], TRAINING_ROWS) for name in pools})
    model = make_pipeline(FunctionTransformer(fingerprint), LinearRegression())
    model.fit(frame, np.arange(TRAINING_ROWS) ** 1.5)
    # Each column counts, and each another number.
    model[-1].coef_ = 10.0 ** np.arange(count)
    return Case("own function", model, frame, draw(rows_of(pools)), is_untyped=True)


# Before 1.4, gradient boosting takes whole numbers from 0 to 254 as categories. Such a model can be trained
# with others, and then fails itself for every row.
ENCODES_CATEGORIES = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 4)
CODES_MAX = 255


@st.composite
def boosted_categories(draw: DrawFn) -> Case:
    """Give a model of gradient boosting that has learned categories of pandas by itself."""
    kind = draw(st.sampled_from(["text", "whole"] if ENCODES_CATEGORIES else ["whole"]))
    known, pool = draw(known_values(kind))
    if not ENCODES_CATEGORIES:
        known = [value for value in known if isinstance(value, int) and 0 <= value < CODES_MAX] or [0]
    names = draw(st.permutations(["category", "number"]))
    table = {
        "category": pd.Series(pd.Categorical(np.resize(np.array(known, dtype=object), 60))),
        "number": pd.Series(np.resize([0.5, 1.5, 2.5, np.nan, 3.5], 60)),
    }
    frame = pd.DataFrame({name: table[name] for name in names})
    model = HistGradientBoostingRegressor(
        max_iter=3, min_samples_leaf=2, categorical_features=["category"], random_state=0
    ).fit(frame, np.arange(60) % 7)
    return Case(
        "boosting", model, frame, draw(rows_of({"category": [*pool, None], "number": [*FLOATS, 3, None]}))
    )


@st.composite
def unnamed_tables(draw: DrawFn) -> Case:
    """Give a model that was trained with an array without names, of strings and numbers or of numbers."""
    kinds = draw(st.lists(st.sampled_from(["text", "whole", "float"]), min_size=1, max_size=3))
    columns, pools = [], {}
    for at, kind in enumerate(kinds):
        values, pool = draw(known_values(kind))
        values = [value for value in values if not isinstance(value, int) or abs(value) < 2**53] or [0]
        columns.append(list(np.resize(np.array(values, dtype=object), TRAINING_ROWS)))
        pools[f"x{at}"] = pool
    is_object = "text" in kinds
    array = np.array(columns, dtype=object).T
    table = array if is_object else array.astype(np.float64)
    encoder = draw(
        st.sampled_from(
            [
                OneHotEncoder(handle_unknown="ignore", sparse_output=False),
                OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-3),
            ]
        )
    )
    model = make_pipeline(encoder, LinearRegression()).fit(table, np.arange(TRAINING_ROWS) ** 1.5)
    frame = pd.DataFrame(table, columns=list(pools), dtype=object if is_object else np.float64)
    return Case("without names", model, frame, draw(rows_of(pools)), is_named=False)
