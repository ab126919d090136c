"""Models that begin with a part of the user's own, or with parts that do not say which columns they take."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import BaggingRegressor, StackingRegressor, VotingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler

# scikit-learn has no types.
Fitted: TypeAlias = Any
Table: TypeAlias = Any

FRAME = pd.DataFrame({"width": [1.0, 2.0, 4.0, 3.0, 5.0, 7.0], "height": [2.0, 2.0, 1.0, 5.0, 3.0, 1.0]})
TARGET = np.array([2.0, 4.0, 4.0, 15.0, 15.0, 7.0])
NAMES = ("width", "height")


class Area(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Makes one column, which is called area, of two; it keeps nothing of them."""

    def fit(self, table: Table, _: object = None) -> Area:
        self.is_fitted_ = len(table) > 0
        return self

    def transform(self, frame: Table) -> Table:
        return pd.DataFrame({"area": frame["width"] * frame["height"]})


class Counting(Area):
    """Keeps the number of its columns, and not their names."""

    def fit(self, table: Table, _: object = None) -> Counting:
        self.n_features_in_ = table.shape[1]
        return self


class ArrayArea(Area):
    """Takes arrays alone."""

    def transform(self, table: Table) -> Table:
        return table[:, :1] * table[:, 1:2]


class Wrapper(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A model of the user with another one inside, which gets other columns."""

    def fit(self, frame: Table, target: Table) -> Wrapper:
        self.estimator_ = LinearRegression().fit(Area().transform(frame), target)
        return self

    def predict(self, frame: Table) -> Table:
        return self.estimator_.predict(Area().transform(frame))


def area(frame: Table) -> Table:
    return frame[["width"]].to_numpy() * frame[["height"]].to_numpy()


def _first(step: Fitted) -> Fitted:
    return make_pipeline(step, StandardScaler(), LinearRegression())


# Models that say nothing of their columns.
SILENT: dict[str, Fitted] = {
    "own step": _first(Area()),
    "own step in a nested pipeline": make_pipeline(
        make_pipeline(Area(), StandardScaler()), LinearRegression()
    ),
    "own step behind passthrough": Pipeline(
        [("no", "passthrough"), ("a", Area()), ("m", LinearRegression())]
    ),
    "search": GridSearchCV(_first(Area()), {"standardscaler__with_mean": [True, False]}, cv=2),
    "own steps side by side": make_pipeline(FeatureUnion([("a", Area()), ("b", Area())]), LinearRegression()),
    "a transformed target": TransformedTargetRegressor(_first(Area())),
    "voting": VotingRegressor([("a", _first(Area())), ("b", _first(Area()))]),
    "own model": Wrapper(),
}
# Models that say the names of their columns.
TELLING: dict[str, Fitted] = {
    "a function": make_pipeline(FunctionTransformer(area), LinearRegression()),
    "no function": make_pipeline(FunctionTransformer(), LinearRegression()),
    "passthrough": Pipeline([("no", "passthrough"), ("scaler", StandardScaler()), ("m", LinearRegression())]),
    "nothing but passthrough": Pipeline([("no", "passthrough"), ("m", LinearRegression())]),
    "side by side": make_pipeline(make_union(Area(), StandardScaler()), LinearRegression()),
    "a branch": make_pipeline(make_column_transformer((Area(), ["width", "height"])), LinearRegression()),
    "search": GridSearchCV(make_pipeline(StandardScaler(), LinearRegression()), {}, cv=2),
    "a transformed target": TransformedTargetRegressor(make_pipeline(StandardScaler(), LinearRegression())),
    "stacking": StackingRegressor([("a", _first(StandardScaler()))], cv=2),
    "bagging": BaggingRegressor(LinearRegression(), 2),
    "an own step later": make_pipeline(FunctionTransformer(), Area(), LinearRegression()),
}
