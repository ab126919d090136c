"""The model's own answers, for the proof of an image: `python3 -m service.own_answers`.

The settings are those of the service.

Standard input holds `{"rows": […]}`, whose columns that are no features are left out. Without `rows`, they
are made of what the model knows, and with `enough`, the model is asked until it has answered so many of them.
The model is loaded apart from the running service, and gets each row alone, in a table as a data scientist
makes it.

One JSON object goes to standard output: the `rows`, the `answers` to each of them, `tolerance` (how far
numbers may differ), and `is_batched` (whether the model treats each row by itself). An answer has
`prediction` and perhaps `probabilities`, or `error` if the model raised one. NaN and infinities are written
as Python writes them. `answers` is null for a model that is no estimator of a library. With
`"together": true`, the given rows go into one call.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TextIO

from service import stages
from service.compiler.proof_rows import proof_rows
from service.errors import ModelUnloadable, WrongSettings
from service.json_values import JsonValue, json_value
from service.loading.configured import load_configured
from service.logs import configure_logs
from service.models.estimators import parts_of
from service.models.fitted_model import FittedModel, as_in_trial
from service.models.methods import TAKE_SEVERAL_ROWS, find_answering, listed
from service.models.plain_input import plain_input
from service.settings import Settings
from service.workers.watch import run_watched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.errors import ServiceError
    from service.loading.model_file import LoadedModel
    from service.models.model import Model

    Row = dict[str, JsonValue]

# Some of the rows may be refused: `service.check` uses the first that are answered.
MADE_ROWS = 60
# Of given rows, so many are judged, spread over all of them.
JUDGED_ROWS = 100
# A slow model is asked no more after this time.
ENOUGH_S = 30.0
TOLERANCE = 1e-9
# A model that computes in 32 bits has seven digits.
SINGLE_TOLERANCE = 1e-5


def own_answers(loaded: LoadedModel, given: dict[str, Any]) -> dict[str, Any]:
    """Give the outcome in JSON's types; see the module."""
    model = loaded.model
    rows = _given_rows(model, given["rows"]) if "rows" in given else make_rows(loaded)
    if not isinstance(model, FittedModel) or not is_estimator(model):
        return {"rows": rows, "answers": None, "tolerance": TOLERANCE, "is_batched": True}
    judge = Judge(model)
    answers = judge.answer(rows) if given.get("together") else judge.each(rows, given.get("enough"))
    return {
        "rows": rows[: len(answers)],
        "answers": answers,
        "tolerance": SINGLE_TOLERANCE if judge.is_single else TOLERANCE,
        "is_batched": model.is_batched,
    }


def _given_rows(model: Model, rows: Sequence[Row]) -> list[Row]:
    """Give the rows to judge, without columns that the model does not take, such as an id."""
    names = {feature.name for feature in model.features}
    return [{name: value for name, value in row.items() if name in names} for row in spread(rows)]


def make_rows(loaded: LoadedModel) -> list[Row]:
    """Make rows of what the model knows, and of what the user declared."""
    model = loaded.model
    estimator = getattr(model, "estimator", None)
    made = proof_rows(estimator, model.features, loaded.declared.features)
    return [_json_row(model, values) for values in islice(made, MADE_ROWS)]


def spread(rows: Sequence[Row]) -> list[Row]:
    """Give at most `JUDGED_ROWS` of the rows, spread over all of them."""
    return list(rows[:: max(1, -(-len(rows) // JUDGED_ROWS))])


def is_estimator(model: FittedModel) -> bool:
    """Tell whether the model is an estimator of a library, which can be called without the service's code."""
    return not type(model.estimator).__module__.startswith("service.")


class Judge:
    """Calls the methods of an estimator; `is_single` says that it computes in 32 bits."""

    def __init__(self, model: FittedModel) -> None:
        self._model = model
        self._name, self._call = find_answering(model.estimator)
        parts = {type(part).__name__ for part in parts_of(model.estimator)}
        self._doubles = not parts.isdisjoint(TAKE_SEVERAL_ROWS)
        self.is_single = False

    def each(self, rows: Sequence[Row], enough: int | None = None) -> list[Row]:
        """Give the answer to each of the rows alone, until `enough` of them are answers and no errors.

        A slow model is not asked for all of them.
        """
        end = time.monotonic() + ENOUGH_S
        answers: list[Row] = []
        answered = 0
        for row in rows:
            if answers and (time.monotonic() > end or answered == enough):
                break
            answers += self.answer([row])
            answered += "error" not in answers[-1]
        return answers

    def answer(self, rows: Sequence[Row]) -> list[Row]:
        """Give the answer to each of the rows, from one call; the same `error` for all if the call fails."""
        estimator: Any = self._model.estimator
        try:
            with as_in_trial():
                table = plain_input(
                    estimator, self._model.features, rows if not self._doubles else [*rows] * 2
                )
                values: Any = self._call(table)
                method = getattr(estimator, "predict_proba", None) if self._name == "predict" else None
                probabilities = method(table) if method else None
        except Exception as error:  # noqa: BLE001 (a model may raise any error for a row that was made up)
            return [{"error": f"{type(error).__name__}: {error}"} for _ in rows]
        # The neighbours of a row are told by their distances and their positions.
        values = values[1] if self._name == "kneighbors" else values
        answers: list[Row] = [{"prediction": value} for value in self._listed(values)][: len(rows)]
        if probabilities is not None:
            outputs = probabilities if isinstance(probabilities, list) else None
            by_row = zip(*map(self._listed, outputs)) if outputs else self._listed(probabilities)
            for answer, shares in zip(answers, by_row):
                answer["probabilities"] = list(shares)
        return answers

    def _listed(self, values: object) -> list[Any]:
        self.is_single |= str(getattr(values, "dtype", "")) in ("float32", "float16")
        return [_plain(value) for value in listed(values)]


def _plain(value: object) -> Any:  # noqa: ANN401 (JSON with NaN and infinities)
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value if isinstance(value, float) else json_value(value)


def _json_row(model: Model, values: Sequence[object]) -> Row:
    return {
        feature.name: value.isoformat() if isinstance(value, datetime) else json_value(value)
        for feature, value in zip(model.features, values)
    }


def _write(settings: Settings, given: str, output: TextIO) -> int:
    try:
        loaded = load_configured(settings)
    except ModelUnloadable as error:
        return _fail(error)
    stages.done()
    outcome = own_answers(loaded, json.loads(given) if given.strip() else {})
    with output:
        json.dump(outcome, output)
    return 0


def _fail(error: ServiceError) -> int:
    print(f"error: {error}", file=sys.stderr)  # noqa: T201 (the caller shows it)
    return 1


def main() -> int:
    """Load the model, print the outcome as JSON, and give the exit code."""
    configure_logs(log_format="text", log_level="error")
    given = sys.stdin.read()
    # What a model prints while it is loaded or called goes to standard error.
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        settings = Settings.from_environment(os.environ)
        return run_watched(partial(_write, settings, given, output), settings)
    except (ModelUnloadable, WrongSettings) as error:
        return _fail(error)


if __name__ == "__main__":
    sys.exit(main())
