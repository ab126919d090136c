"""Asks the model for predictions. Knows nothing of HTTP, and takes rows that are already valid.

No prediction is made while the service starts: a library that has run threads with OpenMP in a process
hangs in the workers that are forked from it.
"""

from __future__ import annotations

import importlib.util
import threading
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from service import table
from service.kinds import Reading, positions_of, takes_texts
from service.loading import ModelUnloadable
from service.onnx_model import OnnxModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from service.features import Feature, Value
    from service.loading import LoadedModel

    # A method of the model: a table of rows in, something like an array out.
    Ask = Callable[[object], object]

KINDS = ("classifier", "regressor")


@dataclass(frozen=True)
class Predictions:
    """One value a row and, if the model has them, its probabilities, in Python's own types."""

    values: list[object]
    probabilities: list[object] | None


class Predictor:
    """A loaded model that is ready to predict, one call at a time.

    `classes` has the labels in the order of the probabilities, or one list of labels for each output of a
    model with several; it is None where the model has none.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        self.loaded = loaded
        self.kind = _kind(loaded.estimator)
        reading = _read(loaded)
        self.features = reading.features(_names(loaded))
        self.classes = _classes(loaded.estimator)
        self._predict: Ask = loaded.estimator.predict
        # Some models have it only if they were made so (SVC), and then lack it as if it were not there.
        self._predict_proba: Ask | None = getattr(loaded.estimator, "predict_proba", None)
        self._table = _table_maker(loaded, reading, self.features)
        self._turn = threading.Lock()
        for part in _with_best(loaded.estimator):
            _use_one_thread(part)

    def predict(self, rows: Sequence[Sequence[Value]]) -> Predictions:
        """Predict for rows whose values are in the order of `features`, and of their types."""
        with self._turn, _without_name_warning():
            given = self._table(rows)
            values = self._predict(given)
            probabilities = self._predict_proba(given) if self._predict_proba else None
        return Predictions(
            values=_to_list(values),
            probabilities=None if probabilities is None else _by_row(probabilities),
        )


def _by_row(probabilities: object) -> list[object]:
    """Turn the arrays of a model with several outputs, one array each, into one list a row."""
    if isinstance(probabilities, list):
        return [list(row) for row in zip(*(_to_list(output) for output in probabilities))]
    return _to_list(probabilities)


def _to_list(values: object) -> list[object]:
    listed: list[object] = np.asarray(values).tolist()
    return listed


@contextmanager
def _without_name_warning() -> Iterator[None]:
    """Silence what scikit-learn says when a model that knows column names is given an array.

    The columns are in the model's order, and an array is much quicker than a DataFrame. The filter is the
    whole process's while it lasts: only the one thread whose turn it is may come here.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X does not have valid feature names", category=UserWarning)
        yield


def _kind(estimator: object) -> str:
    """`classifier`, `regressor` or `other`, as scikit-learn says it from 1.6 on, or as it did before."""
    kind = getattr(estimator, "_estimator_type", None)
    tags = getattr(estimator, "__sklearn_tags__", None)
    if tags is not None:
        # A class that mixes in scikit-learn's parts in the wrong order has this method, and it fails.
        with suppress(AttributeError):
            kind = tags().estimator_type
    if kind is None and hasattr(estimator, "classes_"):
        return "classifier"
    return kind if kind in KINDS else "other"


def _read(loaded: LoadedModel) -> Reading:
    """Follow the columns through the model."""
    reading = Reading(len(_names(loaded)))
    reading.read(loaded.estimator)
    return reading


def _names(loaded: LoadedModel) -> list[str]:
    """List the inputs in the model's order: the columns it was trained with, or x0, x1, … without names."""
    if takes_texts(loaded.estimator):
        return ["x0"]
    entry = _entry(loaded.estimator)
    names = getattr(entry, "feature_names_in_", None)
    if names is not None:
        return _once(loaded, [str(name) for name in names])
    if entry is not None:
        count: int = getattr(entry, "n_features_in_", 0)
        return [f"x{index}" for index in range(count)]
    reason = "it does not say which features it takes (feature_names_in_ or n_features_in_)"
    raise ModelUnloadable(
        loaded.file, reason, "Fit the model before it is saved, with scikit-learn 1.0 or newer"
    )


def _once(loaded: LoadedModel, names: list[str]) -> list[str]:
    """Give the names; refuse them if one is there twice."""
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        reason = f"several of its features are called {repeated[0]!r}"
        raise ModelUnloadable(loaded.file, reason, "Give each column its own name and train again")
    return names


def _entry(estimator: object) -> object:
    """Find the model or, if it does not say what it takes, the first of its steps that does."""
    steps = [step for part in _with_best(estimator) for _, step in getattr(part, "steps", ())]
    parts = (estimator, *steps)
    return next((part for part in parts if hasattr(part, "n_features_in_")), None)


def _with_best(estimator: object) -> list[object]:
    """List the model and, where it is a search, the best model that the search found."""
    best = getattr(estimator, "best_estimator_", None)
    return [estimator] if best is None else [estimator, best]


def _classes(estimator: object) -> list[object] | None:
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        return None
    if isinstance(classes, list):
        return [_to_list(output) for output in classes]
    return _to_list(classes)


def _parameters(estimator: object) -> dict[str, object]:
    """Give the parameters of the model and of all its parts, by the names that `set_params` takes."""
    get_params = getattr(estimator, "get_params", None)
    parameters: dict[str, object] = get_params(deep=True) if get_params else {}
    return parameters


def _use_one_thread(estimator: object) -> None:
    """Undo the n_jobs that the model was trained with: here the workers are the parallelism.

    scikit-learn's own is off already (JOBLIB_MULTIPROCESSING); this is for models that start threads of
    their own, as LightGBM's and XGBoost's do.
    """
    many = {
        name: 1
        for name, value in _parameters(estimator).items()
        if name.rpartition("__")[2] == "n_jobs" and isinstance(value, int) and value != 1
    }
    if many:
        estimator.set_params(**many)  # type: ignore[attr-defined]  # what has get_params has it


def _table_maker(loaded: LoadedModel, reading: Reading, features: tuple[Feature, ...]) -> table.MakeTable:
    """Give what makes the table that the model takes: without pandas where that will do, as it is quicker."""
    model = loaded.estimator
    is_mixed = any(feature.type != "number" and feature.dtype != "unused" for feature in features)
    if isinstance(model, OnnxModel):
        return table.rows_as_they_are if is_mixed else table.numbers
    if takes_texts(model):
        return table.texts
    if not hasattr(_entry(model), "feature_names_in_"):
        return table.values if is_mixed else table.used_numbers(features)
    if is_mixed or reading.makes_frames:
        if not _has_pandas():
            reason = "it takes named columns of several kinds, and there is no pandas"
            raise ModelUnloadable(loaded.file, reason, "Add pandas to the image")
        return table.mixed_frame(features)
    if any(_may_use_names(part) for part in [model, *_parameters(model).values()]) and _has_pandas():
        is_plain = all(feature.type == "number" for feature in features)
        return table.number_frame(features) if is_plain else table.mixed_frame(features)
    for transformer in reading.column_transformers:
        _pick_by_position(transformer)
    return table.used_numbers(features)


def _has_pandas() -> bool:
    return importlib.util.find_spec("pandas") is not None


def _pick_by_position(transformer: Any) -> None:  # noqa: ANN401
    """Let a fitted column transformer pick columns of an array, which have no names."""
    transformer.transformers_ = [
        (
            name,
            part,
            positions_of(transformer, name)[0]
            if isinstance(columns, str)
            else positions_of(transformer, name),
        )
        for name, part, columns in transformer.transformers_
    ]


def _may_use_names(part: object) -> bool:
    """Tell whether it is fitted code that scikit-learn did not write, and may use the columns' names."""
    return hasattr(part, "fit") and not type(part).__module__.startswith("sklearn.")
