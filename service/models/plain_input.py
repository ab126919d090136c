"""A model's input as a data scientist makes it of the same rows, to judge the service's own way by.

Nothing here goes through `model_input`: the answers that an image is proved by must not share its mistakes.
"""

from __future__ import annotations

import importlib.util
import math
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from service.schema.boosters import is_catboost, lightgbm_categories
from service.schema.column_types import takes_texts
from service.schema.entry import takes_dictionaries, takes_named_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.json_values import JsonValue
    from service.schema.features import Feature
    from service.schema.parts import Part


def plain_input(
    estimator: Part, features: Sequence[Feature], rows: Sequence[Mapping[str, JsonValue]]
) -> object:
    """Give what `estimator.predict` takes for rows in JSON's types: texts, an array, or a DataFrame."""
    if takes_texts(estimator):
        return [row[features[0].name] for row in rows]
    if takes_dictionaries(estimator):
        return [dict(row) for row in rows]
    columns = [[_value(feature, row.get(feature.name)) for row in rows] for feature in features]
    is_named = takes_named_columns(estimator, [feature.name for feature in features]) or is_catboost(
        estimator
    )
    if is_named and importlib.util.find_spec("pandas"):
        return _frame(estimator, features, columns)
    table = [list(row) for row in zip(*columns)]
    is_text = any(isinstance(value, str) for row in table for value in row)
    return np.array(table, dtype=object) if is_text else np.array(table)


def _value(feature: Feature, value: JsonValue) -> object:
    """Give a value as a table of training data has it: NaN where it is missing, dates as such."""
    if value is None:
        return None if feature.has_none else math.nan
    if feature.type == "date" and isinstance(value, str):
        return datetime.fromisoformat(value)
    return value


def _frame(estimator: Part, features: Sequence[Feature], columns: Sequence[Sequence[object]]) -> object:
    import pandas as pd  # noqa: PLC0415 (slow to import, and not in every image)

    categories = booster_categories(estimator)
    frame: dict[str, Any] = {}
    for at, (feature, column) in enumerate(zip(features, columns)):
        if feature.type == "date":
            frame[feature.name] = pd.Series(pd.to_datetime(pd.Series(list(column))))
        elif at in categories:
            frame[feature.name] = pd.Categorical(column, categories=categories[at])
        elif feature.dtype == "category":
            frame[feature.name] = pd.Categorical(column, categories=list(feature.categories or ()))
        else:
            frame[feature.name] = pd.Series(list(column))
    return pd.DataFrame(frame)


def booster_categories(estimator: Part) -> dict[int, list[Any]]:
    """Give the categories of the columns that a booster took as pandas categories, by position.

    They are read from the booster itself, and only where the booster gets the columns of the rows.
    """
    estimator = getattr(estimator, "best_estimator_", estimator)
    with suppress(Exception):
        if type(estimator).__module__.startswith("lightgbm"):
            return {at: list(values) for at, values in lightgbm_categories(estimator).items()}
        if type(estimator).__module__.startswith("xgboost"):
            # Recent versions of XGBoost keep the categories.
            kept = estimator.get_booster().get_categories(export_to_arrow=True).to_arrow()
            return {at: _with_dtype(array) for at, (_, array) in enumerate(kept) if array is not None}
    return {}


def _with_dtype(array: Part) -> Part:
    """Give categories as pandas had them: XGBoost refuses numbers of another dtype."""
    listed = array.to_pylist()
    return listed if any(isinstance(one, str) for one in listed) else array.to_numpy(zero_copy_only=False)
