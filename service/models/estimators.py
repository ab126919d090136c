"""What a fitted estimator of any library says of itself: its kind, its features, its classes, its parts."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from service.errors import UnusableFile
from service.json_values import json_value
from service.models.refusals import FEATURES_MAX, count_text
from service.schema.boosters import catboost_names, is_catboost
from service.schema.column_types import takes_texts
from service.schema.dict_columns import dict_columns
from service.schema.entry import (
    entry_of,
    first_part_of,
    is_known,
    names_of,
    takes_dictionaries,
    unnamed,
    vectorizer_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.json_values import JsonValue

KINDS = ("classifier", "regressor", "clusterer", "outlier_detector")
KIND_BY_METHOD = {"transform": "transformer", "kneighbors": "neighbors"}
# Packages of which it is known that the answer to a row depends on this row alone.
ROWS_ARE_INDEPENDENT = frozenset(
    {"catboost", "category_encoders", "imblearn", "lightgbm", "numpy", "sklearn", "xgboost"}
)


def estimator_kind(estimator: object, method: str = "predict") -> str:
    """Give the kind of an estimator whose `method` answers rows: see `Model.kind`.

    scikit-learn says it in one way from 1.6 on, and in another way before.
    """
    if method != "predict":
        return KIND_BY_METHOD.get(method, "other")
    kind = getattr(estimator, "_estimator_type", None)
    if kind == "ranker":
        # The tags of CatBoost's ranker call it a regressor.
        return "other"
    tags = getattr(estimator, "__sklearn_tags__", None)
    if tags is not None:
        # A class that inherits from scikit-learn's in the wrong order has this method, and it raises. That of
        # CatBoost needs scikit-learn, which CatBoost itself does without.
        with suppress(AttributeError, ImportError):
            kind = tags().estimator_type
    classes = getattr(estimator, "classes_", None)
    if kind is None and classes is not None:
        # A regressor of CatBoost has an empty list of classes.
        return "regressor" if is_catboost(estimator) and not len(classes) else "classifier"
    # Before scikit-learn 1.6 a mixture had this type, too; of other density estimators none predicts.
    kind = "clusterer" if kind in ("density_estimator", "DensityEstimator") else kind
    return kind if kind in KINDS else "other"


def feature_names(estimator: object, *listed: Sequence[str]) -> list[str]:
    """List the inputs in the model's order: the columns it was trained with, or x0, x1, … without names.

    Of the lists in `listed`, the names of the first that fits stand for x0, x1, …, and for the names of an
    estimator that does not say what it takes.
    Raises `UnusableFile` if the estimator does not say which features it takes, or names one twice.
    """
    if takes_texts(estimator):
        return next((list(some) for some in listed if len(some) == 1), ["x0"])
    vectorizer = vectorizer_of(estimator)
    if vectorizer is not None:
        return [one.name for one in dict_columns(vectorizer.feature_names_, vectorizer.separator)]
    entry = entry_of(estimator)
    names = catboost_names(entry) if is_catboost(entry) else names_of(entry)
    if names is not None:
        return _unique(names)
    if entry is not None:
        count: int = getattr(entry, "n_features_in_", 0)
        if isinstance(count, int) and not 0 <= count <= FEATURES_MAX:
            raise UnusableFile(*count_text(count))
        return next((list(some) for some in listed if len(some) == count), unnamed(count))
    if type(estimator).__name__ == "IsotonicRegression":
        # It takes one column, and keeps no count.
        return next((list(some) for some in listed if len(some) == 1), ["x0"])
    first = first_part_of(estimator)
    if is_known(first) and not takes_dictionaries(estimator):
        raise UnusableFile(
            "does not say which features it takes (feature_names_in_ or n_features_in_)",
            "Fit the model before it is saved, with scikit-learn 1.0 or newer",
        )
    found = next((list(some) for some in listed if some), None)
    if found is None:
        name = type(first).__name__
        raise UnusableFile(
            f"does not say which columns it takes: its first step, {name}, keeps no list of them",
            "Build the image with --features and the names of the columns, or with --examples",
        )
    return _unique(found)


def is_positional(estimator: object) -> bool:
    """Tell whether an estimator was trained on a table without names, whose columns have positions alone."""
    entry = entry_of(estimator)
    is_table = not takes_texts(estimator) and not takes_dictionaries(estimator)
    return is_table and is_known(entry) and not is_catboost(entry) and names_of(entry) is None


def _unique(names: list[str]) -> list[str]:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise UnusableFile(
            f"has several features that are called {repeated[0]!r}",
            "Give each column its own name and train again",
        )
    return names


def with_best(estimator: object) -> list[object]:
    """List the estimator and, where it is a search, the best estimator that the search found."""
    best = getattr(estimator, "best_estimator_", None)
    return [estimator] if best is None else [estimator, best]


def classes_of(estimator: object) -> list[JsonValue] | None:
    """Give the labels, or one list of labels for each output; None if the estimator has no classes."""
    classes = getattr(estimator, "classes_", None)
    # A regressor of CatBoost has an empty list.
    if classes is None or not len(classes):
        return None
    if isinstance(classes, list):
        return [json_list(output) for output in classes]
    return json_list(classes)


def json_list(values: object) -> list[JsonValue]:
    """List what an estimator gives, which is something like an array, in JSON's types but for NaN.

    A date becomes text, in microseconds where it is whole in them.
    """
    if isinstance(values, (list, tuple)):
        # An array would convert all values to one type: beside "a", 1 would become "1".
        return [_plain(value) for value in values]
    array = np.asarray(values)
    if array.dtype.kind == "M":
        coarse = array.astype("datetime64[us]")
        is_exact = bool(((coarse == array) | np.isnat(array)).all())
        array = coarse if is_exact else np.datetime_as_string(array)
    listed: list[JsonValue] = array.tolist()
    # Arrays of objects or dates may hold values of any type.
    return listed if array.dtype.kind in "biufU" else [_plain(value) for value in listed]


def _plain(value: object) -> JsonValue:
    """Put one value in JSON's types, and keep NaN and the infinities: an answer says which they are."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return json_list(value)
    if isinstance(value, np.datetime64):
        return json_list(np.array([value]))[0]
    if isinstance(value, np.generic):
        return _plain(value.item())
    return value if isinstance(value, float) else json_value(value)


def parts_of(estimator: object) -> list[object]:
    """List the estimator and the values of all its parameters, and so the parts that it is made of."""
    return [estimator, *_parameters(estimator).values()]


def has_independent_rows(part: object) -> bool:
    """Tell whether a part is known to treat each row by itself: unknown code may look at several."""
    if getattr(part, "has_independent_rows", False):
        return True
    is_code = hasattr(part, "fit") or callable(part)
    module = getattr(part, "__module__", None) or type(part).__module__
    return not is_code or module.partition(".")[0] in ROWS_ARE_INDEPENDENT


def _parameters(estimator: object) -> dict[str, object]:
    """Give the parameters of the estimator and of all its parts, by the names that `set_params` takes."""
    get_params = getattr(estimator, "get_params", None)
    parameters: dict[str, object] = get_params(deep=True) if get_params else {}
    return parameters


def use_one_thread(estimator: object) -> None:
    """Undo the n_jobs that the estimator was trained with: here the workers are the parallelism.

    scikit-learn's own threads are off already (JOBLIB_MULTIPROCESSING); this is for LightGBM and XGBoost,
    which start threads of their own.
    """
    many = {
        name: 1
        for name, value in _parameters(estimator).items()
        if name.rpartition("__")[2] == "n_jobs"
        and value is not None
        and (type(value) is not int or value != 1)
    }
    if many:
        estimator.set_params(**many)  # type: ignore[attr-defined]  # every class with get_params has it
