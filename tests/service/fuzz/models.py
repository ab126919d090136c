"""The models that are asked, each served twice: as usual, and without the C code or any other short way."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import joblib
import numpy as np
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from service.application import make_served_model
from service.loading.model_file import load_model
from service.prediction.served_model import ModelSlot
from service.protocols.interfaces import Interface
from service.web.app import create_app
from service.web.request_log import RequestLog
from tests.service.fuzz.requests import requests_of
from tests.service.protocols.test_same_rows import mixed_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed.wsgi import WSGIApplication

    from service.prediction.predictor import Predictor
    from service.schema.features import Feature
    from tests.service.fuzz.requests import Request

MAX_BODY_BYTES = 200_000
# Where the compiled C code is known by name.
_PLACES = (
    *("service.protocols.infer", "service.protocols.number_tables"),
    *("service.compiler.row_program", "service.compiler.trees"),
)


class Served(NamedTuple):
    """A model behind both applications, its columns, and the requests that it answers.

    `in_python` logs the values of each request, for which the general code of each wire format is needed.
    """

    name: str
    in_c: WSGIApplication
    in_python: WSGIApplication
    features: tuple[Feature, ...]
    takes_numbers: bool
    requests: list[Request]


def _numbers(columns: list[str]) -> tuple[Any, list[dict[str, Any]]]:
    data = load_iris(as_frame=True)
    table = data.data.set_axis(columns, axis=1)
    labels = data.target.map(dict(enumerate(data.target_names))).astype(object)
    return LogisticRegression(max_iter=500).fit(table, labels), table.iloc[::30].to_dict("records")


def _gaps() -> tuple[Any, list[dict[str, Any]]]:
    random = np.random.default_rng(1)
    table = np.where(random.random((80, 3)) < 0.2, np.nan, random.normal(size=(80, 3)))
    model = HistGradientBoostingRegressor(max_iter=5).fit(table, np.nansum(table, axis=1))
    return model, [{"x0": None, "x1": -0.25, "x2": 1e-3}, {"x0": 1.5, "x1": None, "x2": -2.0}]


def _pairs() -> tuple[Any, list[dict[str, Any]]]:
    table, labels = load_iris(return_X_y=True)
    both = np.column_stack([labels, labels > 0])
    return DecisionTreeClassifier(max_depth=3, random_state=0).fit(table, both), _positional(table)


def _neighbors() -> tuple[Any, list[dict[str, Any]]]:
    table, labels = load_iris(return_X_y=True)
    return KNeighborsClassifier(3).fit(table, labels > 0), _positional(table)


def _positional(table: Any) -> list[dict[str, Any]]:
    return [{f"x{at}": float(one) for at, one in enumerate(row)} for row in table[::50]]


def _line() -> tuple[Any, list[dict[str, Any]]]:
    return LinearRegression().fit(np.arange(9.0).reshape(-1, 1), np.arange(9.0) * 3), [{"x0": 2.5}]


def _mixed() -> tuple[Any, list[dict[str, Any]]]:
    first = {"age": 41.5, "rooms": 1.0, "town": "Köln", "size": "S", "member": True, "note": "good buy"}
    return mixed_model(), [first, {**first, "rooms": 3.0, "town": "a,b", "member": False}]


MODELS = {
    "numbers": lambda: _numbers(["slength", "swidth", "plength", "pwidth"]),
    # Columns with the names that wire formats have for other things, and one that is longer in bytes.
    "named": lambda: _numbers(["rows", "inputs", "länge", "data"]),
    "gaps": _gaps,
    "pairs": _pairs,
    "neighbors": _neighbors,
    "line": _line,
    "mixed": _mixed,
}


def serve(name: str) -> Served:
    """Train a model, and make both applications of its file."""
    model, rows = MODELS[name]()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.joblib"
        joblib.dump(model, file)
        in_c, predictor = _application(file, Interface())
        with _without_c():
            in_python, _ = _application(file, Interface(records=True))
    requests = requests_of(rows, takes_numbers=predictor.takes_numbers)
    return Served(name, in_c, in_python, tuple(predictor.features), predictor.takes_numbers, requests)


def _application(file: Path, interface: Interface) -> tuple[WSGIApplication, Predictor]:
    served = make_served_model(load_model(file), interface, counts_inputs=True)
    slot = ModelSlot(served)
    app, _ = create_app(slot, max_body_bytes=MAX_BODY_BYTES)
    return RequestLog(app, slot, share=1.0) if interface.records else app, served.predictor


@contextlib.contextmanager
def _without_c() -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for place in _PLACES:
            stack.enter_context(patch(f"{place}.LIBRARY", None))
        yield
