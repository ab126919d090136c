"""A fitted estimator as a model: what it takes, what it gives, and its answers.

Compiling the estimator is tried once, when it is loaded. That happens in one thread: a library that has run
threads of OpenMP in a process hangs in the workers that are forked from the process.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, cast

import numpy as np

from service.compiler.functions import Outcome
from service.compiler.program import compile_estimator
from service.compiler.proof_rows import proof_rows
from service.compiler.usual_values import usual_values
from service.errors import ModelFailed, ModelRefused, NotCompilable, UnusableFile, WrongSchema
from service.models.documents import check_documents
from service.models.estimators import (
    classes_of,
    estimator_kind,
    feature_names,
    has_independent_rows,
    is_positional,
    json_list,
    parts_of,
    use_one_thread,
    with_best,
)
from service.models.input_choice import choose_input
from service.models.joint_predict import find_joint_predict
from service.models.methods import (
    SOLVED_TOGETHER,
    TAKE_SEVERAL_ROWS,
    find_answering,
    further_methods,
    listed,
    output_names,
    score_methods,
)
from service.models.number_words import with_number_words
from service.models.row_kinds import ask_by_kind, rows_by_kind
from service.schema.boosters import is_catboost
from service.schema.column_types import Reading
from service.schema.declared import NOTHING_DECLARED, Declared, must_declare
from service.schema.features import takes_numbers
from service.schema.predictions import Predictions, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from service.compiler.program import Program
    from service.compiler.saved import Origin
    from service.json_values import JsonValue
    from service.models.joint_predict import JointPredict
    from service.models.methods import Method
    from service.models.model_input import ModelInput
    from service.schema.features import Feature, Rows, Value
    from service.schema.parts import Part


TABLE_DIMENSIONS = 2
# How many rows of usual values a model may refuse before it counts as one that answers none.
TRIED_ROWS = 8
LONGEST_REASON = 300


class FittedModel:
    """A fitted estimator as a `Model`: see there for what the attributes are.

    `declared` tells of the features what the estimator does not tell. `input_for` gives what makes the
    estimator's input of rows, for an estimator of which that is known; for any other it is chosen by what the
    estimator has learned. `listed_names` are the columns that the file lists beside the estimator.
    Raises `UnusableFile` for an estimator that cannot be served.
    """

    origin: Origin | None = None

    def __init__(
        self,
        estimator: Part,
        declared: Declared = NOTHING_DECLARED,
        *,
        input_for: Callable[[Sequence[Feature]], ModelInput] | None = None,
        listed_names: tuple[str, ...] = (),
    ) -> None:
        self.estimator = estimator
        self.name = type(estimator).__name__
        self.method, self._answer = find_answering(estimator)
        self.kind = estimator_kind(estimator, self.method)
        self.outputs = output_names(estimator) if self.method == "transform" else None
        check_documents(estimator)
        names = feature_names(estimator, declared.names, listed_names)
        reading = Reading(len(names))
        # Follows the columns through the parts of the estimator.
        reading.read(estimator)
        features = _completed(reading.features(names), declared)
        by_position = input_for is None and is_positional(estimator)
        self.features = tuple(replace(one, is_positional=by_position) for one in features)
        self.usual = usual_values(estimator, self.features)
        self._takes_numbers = takes_numbers(self.features)
        self.classes = classes_of(estimator) if self.method == "predict" else None
        # Some classes have the method only for some of their parameters (SVC), and else raise AttributeError.
        self._predict_proba: Method | None = (
            getattr(estimator, "predict_proba", None) if self.method == "predict" else None
        )
        self._scores = score_methods(estimator, self.kind)
        probabilities = ("predict_proba",) if self._predict_proba else ()
        distances = ("distances",) if self.method == "kneighbors" else ()
        self.results = (self.method, *probabilities, *self._scores, *distances)
        self._further = further_methods(estimator, self.results)
        for part in with_best(estimator):
            use_one_thread(part)
        self._make_input, self._kind_of = (
            input_for(self.features) if input_for else choose_input(estimator, reading, self.features)
        )
        parts = parts_of(estimator)
        self.is_batched = all(has_independent_rows(part) for part in parts)
        names_of_parts = {type(part).__name__ for part in parts}
        self._asks_row_by_row = not names_of_parts.isdisjoint(SOLVED_TOGETHER)
        self._doubles_a_row = not names_of_parts.isdisjoint(TAKE_SEVERAL_ROWS)
        self.program: Program | None = None
        self.not_compiled = ""
        self._joint_predict: JointPredict | None = None
        self._declared = declared
        # Whether the model has answered any row; None where that was not tried.
        self._answers: bool | None = None
        self._compile()
        if self.program is None and self._predict_proba:
            self._joint_predict = self._find_joint_predict()
        made = proof_rows(estimator, self.features, declared.features)
        self.features = with_number_words(self.features, self._answer_as_text, made)

    def try_rows(self) -> None:
        """Ask for the answers to usual rows until one is answered, so that code that crashes does so now.

        The rows are made up. A model that refuses them all may still answer others.
        """
        made = proof_rows(self.estimator, self.features, self._declared.features)
        with as_in_trial():
            for row in islice(made, TRIED_ROWS):
                with suppress(Exception):
                    self.ask(self._as_rows([row]))
                    return

    def ask(self, rows: Rows) -> Predictions:
        """Give the estimator's own answers. Only one thread at a time may call this.

        Raises `ModelFailed` for an error of the estimator: `ModelRefused` if it is one of the rows.
        """
        return self._asked(rows, self._answer_with_scores)

    @property
    def further_results(self) -> tuple[str, ...]:
        """The methods of the estimator that answer rows besides the usual ones."""
        return tuple(self._further)

    def ask_further(self, rows: Rows, name: str) -> Predictions:
        """Give what the further method `name` answers. Only one thread at a time may call this.

        Raises the same errors as `ask`.
        """
        return self._asked(rows, partial(self._answer_further, name))

    def _asked(self, rows: Rows, answer: Callable[[object], Predictions]) -> Predictions:
        """Make the estimator's input of rows as it needs them, and give what `answer` makes of it."""

        def ask(some: Rows) -> Predictions:
            if self._doubles_a_row and len(some) == 1:
                return ask(some[[0, 0]] if isinstance(some, np.ndarray) else some * 2).part(0, 1)
            found = answer(self._make_input(some))
            if len(found.values) != len(some):
                raise ModelFailed("RuntimeError")
            return found

        with _without_name_warning():
            if self._asks_row_by_row:
                return joined([ask(rows[at : at + 1]) for at in range(len(rows))])
            return ask_by_kind(ask, rows, self._kind_of)

    def _answer_further(self, name: str, given: object) -> Predictions:
        try:
            values: Part = self._further[name](given)
            if name == "kneighbors":
                distances, values = values
                return Predictions(listed(values), None, {"distances": json_list(distances)})
            return Predictions(_by_row(values) if isinstance(values, list) else listed(values), None)
        except Exception as error:  # An estimator raises anything, and a broken one gives anything.
            raise self._failure(error) from error

    def _answer_with_scores(self, given: object) -> Predictions:
        try:
            values, probabilities = self._call_methods(given)
            scores = {name: json_list(call(given)) for name, call in self._scores.items()}
            if self.method == "kneighbors":
                distances, values = values
                scores["distances"] = json_list(distances)
            found = Predictions(
                listed(values),
                None if probabilities is None else _by_row(probabilities),
                scores or None,
            )
        except Exception as error:  # An estimator raises anything, and a broken one gives anything.
            raise self._failure(error) from error
        self._answers = True
        return found

    def _failure(self, error: Exception) -> ModelFailed:
        """Tell a row that the model refuses from a model that is broken, which answers no row at all."""
        reason = next(iter(str(error).splitlines()), "").strip()
        # Errors of classes that inherit from this one say more of the code than of the row.
        if type(error) is ValueError and reason and self._answers_rows():
            return ModelRefused("ValueError", reason[:LONGEST_REASON])
        return ModelFailed(type(error).__name__)

    def _answers_rows(self) -> bool:
        if self._answers is None:
            made = proof_rows(self.estimator, self.features, self._declared.features)
            self._answers = any(map(self._is_answered, islice(made, TRIED_ROWS)))
        return self._answers

    def _is_answered(self, row: list[Value]) -> bool:
        with suppress(Exception):
            self._call_methods(self._make_input(self._as_rows([row])))
            return True
        return False

    def _answer_as_text(self, row: list[Value]) -> str | None:
        """Give the answer to a row, for a comparison; None if the model refuses the row."""
        with suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return str(self.ask(self._as_rows([row])))
        return None

    def outcome(self, rows: list[list[Value]]) -> Outcome:
        """Give the estimator's own answers in the form of a compiled model's."""
        groups = rows_by_kind(rows, self._kind_of)
        parts = [self._outcome([rows[at] for at in group]) for group in groups]
        if len(parts) == 1:
            return parts[0]
        order = np.argsort(np.concatenate(groups))
        probabilities = [part.probabilities for part in parts if part.probabilities is not None]
        return Outcome(
            np.concatenate([part.values for part in parts])[order],
            np.concatenate(probabilities)[order] if probabilities else None,
        )

    def _outcome(self, rows: list[list[Value]]) -> Outcome:
        values, probabilities = self._call_methods(self._make_input(self._as_rows(rows)))
        if self.kind == "classifier":
            if self.classes is None or any(isinstance(label, list) for label in self.classes):
                raise NotCompilable("it has several outputs with classes")
            positions = {label: position for position, label in enumerate(cast("list[str]", self.classes))}
            values = np.array(
                [positions[label] for label in cast("list[str]", json_list(values))], dtype=np.intp
            )
        return Outcome(np.asarray(values), None if probabilities is None else np.asarray(probabilities))

    def _call_methods(self, given: object) -> tuple[Part, object]:
        if self._joint_predict is not None:
            return self._joint_predict(given)
        values: Part = self._answer(given)
        if np.shape(values)[1:] == (1,) and is_catboost(self.estimator):
            # CatBoost gives the labels of several classes in an array of one column.
            values = values[:, 0]
        return values, self._predict_proba(given) if self._predict_proba else None

    def _compile(self) -> None:
        """Compile the estimator, and keep the reason if that cannot be done."""
        if self.method != "predict" or self._scores:
            self.not_compiled = f"the compiler does not support models of the kind {self.kind}"
            return
        try:
            with as_in_trial():
                self.program = compile_estimator(self.estimator, self.features, self.outcome)
        except NotCompilable as error:
            self.not_compiled = str(error)
        except Exception as error:  # noqa: BLE001 (estimators raise anything; this one is served as it is)
            self.not_compiled = f"it could not be tried: {type(error).__name__}: {error}"

    def _find_joint_predict(self) -> JointPredict | None:
        """Find what gives labels and probabilities at once; without it, each method is called."""
        with as_in_trial(), suppress(Exception):
            return find_joint_predict(self.estimator, self.features, self._trial_input)
        return None

    def _trial_input(self, rows: list[list[Value]]) -> object:
        """Make the estimator's input of those rows that are of the first one's kind."""
        return self._make_input(self._as_rows([rows[at] for at in rows_by_kind(rows, self._kind_of)[0]]))

    def _as_rows(self, rows: list[list[Value]]) -> Rows:
        return np.array(rows, dtype=np.float64) if self._takes_numbers else rows


def _completed(features: tuple[Feature, ...], declared: Declared) -> tuple[Feature, ...]:
    try:
        completed = declared.complete(features)
    except WrongSchema as error:
        raise UnusableFile(str(error), "Declare the features of this model, or none") from error
    reason, hint = must_declare(completed)
    if reason:
        raise UnusableFile(reason, hint)
    return completed


@contextmanager
def as_in_trial() -> Iterator[None]:
    """Call an estimator in one thread, and without warnings of rows that no client would send."""
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


def _by_row(probabilities: object) -> list[JsonValue]:
    """Turn the arrays of a model with several outputs, one table each, into one list for each row."""
    if isinstance(probabilities, list) and np.ndim(probabilities[0]) == TABLE_DIMENSIONS:
        return [list(row) for row in zip(*(json_list(output) for output in probabilities))]
    return json_list(probabilities)


@contextmanager
def _without_name_warning() -> Iterator[None]:
    """Silence what scikit-learn says when a model that knows column names is given an array.

    The columns are in the model's order, and an array is made faster than a DataFrame. The filter holds for
    the whole process while it lasts: only the one thread that may call the model comes here.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="X does not have valid feature names", category=UserWarning)
        yield
