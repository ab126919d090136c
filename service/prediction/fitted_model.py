"""A fitted model as an estimator gives it: what it takes and tells, and its answers.

Its own arithmetic is looked for when it is loaded (see `lean`). The trial is made in one thread: a library
that has run threads with OpenMP in a process hangs in the workers that are forked from it.
"""

from __future__ import annotations

import importlib.util
import math
import warnings
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from service.compiler.functions import Outcome
from service.compiler.parity import compile_estimator
from service.errors import ModelUnloadable, NotCompilable
from service.json_values import JsonValue, json_value
from service.loading.onnx_model import OnnxModel
from service.prediction import model_input
from service.prediction.joint_predict import find_together
from service.schema.boosters import catboost_names, is_catboost
from service.schema.column_types import Reading, positions_of, takes_texts
from service.schema.predictions import Predictions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from service.compiler.parity import Program
    from service.loading.model_file import Estimator, LoadedModel
    from service.prediction.joint_predict import Both
    from service.schema.features import Feature, Value

    # A method of the model: a table of rows in, something like an array out.
    Ask = Callable[[object], object]
    # An array of numbers if the model takes nothing else, or lists of values.
    Rows = Any

KINDS = ("classifier", "regressor")
# Of these it is known that a prediction depends on its own row alone.
BATCHED = frozenset({"catboost", "category_encoders", "imblearn", "lightgbm", "sklearn", "xgboost"})


class FittedModel:
    """What a predictor needs of an estimator, and of all that is like one.

    `classes` has the labels in the order of the probabilities, or one list of labels for each output of a
    model with several; it is None where the model has none. `lean` is the model's own arithmetic, or else
    `not_compiled` says why there is none. `is_batched` says that each row is answered by itself, so that rows of
    several requests may go into one call.
    """

    def __init__(self, loaded: LoadedModel) -> None:
        self._estimator = cast("Estimator", loaded.estimator)
        self.name = type(self._estimator).__name__
        self.kind = _kind(self._estimator)
        reading = _read(loaded)
        self.features = reading.features(_names(loaded))
        self.takes_numbers = takes_numbers(self.features)
        self.classes = _classes(self._estimator)
        self._predict: Ask = self._estimator.predict
        # Some models have it only if they were made so (SVC), and then lack it as if it were not there.
        self._predict_proba: Ask | None = getattr(self._estimator, "predict_proba", None)
        for part in _with_best(self._estimator):
            _use_one_thread(part)
        self._table = _table_maker(loaded, reading, self.features)
        self.is_batched = all(_is_of_rows(part) for part in _parts(self._estimator))
        self.program: Program | None = None
        self.not_compiled = ""
        self._both: Both | None = None
        self._look_for_lean()
        if self.program is None and self._predict_proba:
            self._both = self._find_together()

    def ask(self, rows: Rows) -> Predictions:
        """Give the model's own answers. One thread at a time may come here."""
        with _without_name_warning():
            values, probabilities = self._ask_methods(rows)
        return Predictions(
            values=_to_list(values),
            probabilities=None if probabilities is None else _by_row(probabilities),
        )

    def outcome(self, rows: list[list[Value]]) -> Outcome:
        """Give the model's own answers in the form of its arithmetic."""
        values, probabilities = self._ask_methods(self._given(rows))
        if self.kind == "classifier":
            if self.classes is None or any(isinstance(label, list) for label in self.classes):
                raise NotCompilable("it has several outputs with classes")
            positions = {label: position for position, label in enumerate(cast("list[str]", self.classes))}
            values = np.array(
                [positions[label] for label in cast("list[str]", _to_list(values))], dtype=np.intp
            )
        return Outcome(np.asarray(values), None if probabilities is None else np.asarray(probabilities))

    def _ask_methods(self, rows: Rows) -> tuple[object, object]:
        given = self._table(rows)
        if self._both is not None:
            return self._both(given)
        values = np.asarray(self._predict(given))
        if values.shape[1:] == (1,) and is_catboost(self._estimator):
            # It gives each class in a row of its own.
            values = values[:, 0]
        return values, self._predict_proba(given) if self._predict_proba else None

    def _look_for_lean(self) -> None:
        """Find the model's own arithmetic, and try it; keep the reason if there is none."""
        try:
            with as_in_trial():
                self.program = compile_estimator(self._estimator, self.features, self.outcome)
        except NotCompilable as error:
            self.not_compiled = str(error)
        except Exception as error:  # noqa: BLE001 (models do as they please; this one is served as it is)
            self.not_compiled = f"it could not be tried: {type(error).__name__}: {error}"

    def _find_together(self) -> Both | None:
        """Find what gives labels and probabilities at once; else, and if it fails, each is asked for."""
        with as_in_trial(), suppress(Exception):
            return find_together(self._estimator, self.features, lambda rows: self._table(self._given(rows)))
        return None

    def _given(self, rows: list[list[Value]]) -> Rows:
        return np.array(rows, dtype=np.float64) if self.takes_numbers else rows


def takes_numbers(features: Sequence[Feature]) -> bool:
    """Tell whether rows come as arrays of float64, of shape (rows, features), with NaN for missing values.

    Otherwise they are lists of values in the order of the features, and of their types.
    """
    return all(
        # Whole numbers are checked one by one.
        feature.type == "number" and feature.dtype == "float64"
        for feature in features
    )


@contextmanager
def as_in_trial() -> Iterator[None]:
    """Ask a model without threads, and without what it says of rows that nobody would send."""
    with _one_thread(), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _one_thread() -> AbstractContextManager[object]:
    """Keep the numeric libraries to this thread."""
    try:
        from threadpoolctl import threadpool_limits  # noqa: PLC0415 (comes with scikit-learn)
    except ImportError:
        return nullcontext()
    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits


def _parts(estimator: object) -> list[object]:
    """List the model and the values of all its parameters, and so the parts that it is made of."""
    return [estimator, *_parameters(estimator).values()]


def _is_of_rows(part: object) -> bool:
    """Tell whether, of all that is known, a part treats each row by itself: own code may look at several."""
    is_code = hasattr(part, "fit") or callable(part)
    module = getattr(part, "__module__", None) or type(part).__module__
    return not is_code or module.partition(".")[0] in {*BATCHED, "numpy"}


def _by_row(probabilities: object) -> list[JsonValue]:
    """Turn the arrays of a model with several outputs, one array each, into one list a row."""
    if isinstance(probabilities, list):
        return [list(row) for row in zip(*(_to_list(output) for output in probabilities))]
    return _to_list(probabilities)


def _to_list(values: object) -> list[JsonValue]:
    array = np.asarray(values)
    listed: list[JsonValue] = array.tolist()
    # What an array of objects or dates holds may be anything.
    return listed if array.dtype.kind in "biufU" else [json_value(value) for value in listed]


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
    if is_catboost(entry):
        names = catboost_names(entry)
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


def _classes(estimator: object) -> list[JsonValue] | None:
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


def _table_maker(
    loaded: LoadedModel, reading: Reading, features: tuple[Feature, ...]
) -> model_input.MakeTable:
    """Give what makes the table that the model takes: without pandas where that will do, as it is quicker."""
    model = loaded.estimator
    is_mixed = any(feature.type != "number" and feature.dtype != "unused" for feature in features)
    if isinstance(model, OnnxModel):
        return model_input.rows_as_they_are if is_mixed else model_input.numbers
    if takes_texts(model):
        return model_input.texts
    if not hasattr(_entry(model), "feature_names_in_"):
        return model_input.values if is_mixed else model_input.used_numbers(features)
    if is_mixed or reading.makes_frames:
        if not _has_pandas():
            reason = "it takes named columns of several kinds, and there is no pandas"
            raise ModelUnloadable(loaded.file, reason, "Add pandas to the image")
        make = model_input.mixed_frame(features)
        return make if is_mixed else lambda rows: make(_as_lists(rows))
    if any(_may_use_names(part) for part in _parts(model)) and _has_pandas():
        is_plain = all(feature.type == "number" for feature in features)
        return model_input.number_frame(features) if is_plain else model_input.mixed_frame(features)
    for transformer in reading.column_transformers:
        _pick_by_position(transformer)
    return model_input.used_numbers(features)


def _as_lists(rows: Any) -> list[list[Value]]:  # noqa: ANN401
    """Give the rows of an array as lists of values, None for NaN."""
    return [[None if math.isnan(value) else value for value in row] for row in rows.tolist()]


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
