"""What every kind of model has in common: what a predictor may ask of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.compiler.program import Program
    from service.compiler.saved import Origin
    from service.json_values import JsonValue
    from service.schema.features import Feature, Rows
    from service.schema.predictions import Predictions
    from service.schema.usual import Usual


class Model(Protocol):
    """A model that was loaded: fitted (pickle, skops), of ONNX, or compiled."""

    @property
    def name(self) -> str:
        """The name of the estimator's class."""

    @property
    def kind(self) -> str:
        """The kind of estimator.

        It is `classifier`, `regressor`, `clusterer`, `outlier_detector`, `transformer`, `neighbors` or
        `other`.
        """

    @property
    def method(self) -> str:
        """The name of the estimator's method that answers rows, such as `predict` or `transform`."""

    @property
    def outputs(self) -> Sequence[str] | None:
        """The names of the numbers in the answer of a transformer; None if they have none."""

    @property
    def features(self) -> tuple[Feature, ...]:
        """The inputs, in the order in which rows hold their values."""

    @property
    def usual(self) -> Mapping[str, Usual]:
        """What the model has learned of the usual values of features, by their names."""

    @property
    def classes(self) -> Sequence[JsonValue] | None:
        """The labels in the order of the probabilities; None if the model has no classes.

        A model with several outputs has one list of labels for each output.
        """

    @property
    def is_batched(self) -> bool:
        """Whether each row is answered by itself, so that rows of several requests may go into one call."""

    @property
    def program(self) -> Program | None:
        """The compiled model that answers in place of `ask`, where parity with `ask` was shown."""

    @property
    def not_compiled(self) -> str:
        """Why there is no program; empty if there is one."""

    @property
    def origin(self) -> Origin | None:
        """The model that this one was compiled from, if it was read from a file of `infer compile`."""

    def ask(self, rows: Rows) -> Predictions:
        """Give the model's own answers to at least one row. Only one thread at a time may call this.

        Raises `InvalidInput` for rows that this model cannot answer, and `ModelFailed` if it raises an error.
        """

    @property
    def results(self) -> Sequence[str]:
        """The names of the results that `ask` gives: `method` first, then `predict_proba` and the scores."""

    @property
    def further_results(self) -> Sequence[str]:
        """The names of further methods that answer rows, such as `decision_function` of a classifier."""

    def ask_further(self, rows: Rows, name: str) -> Predictions:
        """Give what the further method of that name answers, as `values`, with the same errors as `ask`."""
