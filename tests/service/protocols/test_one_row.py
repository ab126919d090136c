"""One row gets the same bytes from the short way as from the general code of each wire format."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier

from service.protocols.invocations import KEYS
from service.protocols.one_row import OneRow
from service.protocols.open_inference.one_row import UsualRequest

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from tests.service.conftest import Fitted, MakeClient

RNG = np.random.default_rng(7)
TABLE = RNG.normal(size=(80, 3))
CLASSES = RNG.integers(0, 3, 80)
LENGTH = "Inference-Header-Content-Length"

MODELS = {
    "texts": LogisticRegression().fit(TABLE, np.array(["a", 'b"', "ö"])[CLASSES]),
    "numbers": RandomForestClassifier(5, random_state=0).fit(TABLE, CLASSES),
    "booleans": LogisticRegression().fit(TABLE, CLASSES > 1),
    "large numbers": LogisticRegression().fit(TABLE, CLASSES + 2**62),
    "no probabilities": RidgeClassifier().fit(TABLE, CLASSES),
    "a number": LinearRegression().fit(TABLE, CLASSES),
    "two numbers": LinearRegression().fit(TABLE, TABLE[:, :2]),
    "one column": LogisticRegression().fit(TABLE[:, :1], CLASSES),
}
VALUES = [0.5, -0.0, 1e-300, 3.4e38, 1e39, 7, True, None, float("nan"), float("inf"), "1.0", [1.0]]


def tensors(width: int, row: list[object], **more: object) -> object:
    return {"inputs": [{"name": "x", "shape": [1, width], "datatype": "FP64", "data": row}], **more}


def records(names: list[str], row: list[Any]) -> list[dict[str, Any]]:
    """Give a row by names, in both orders, and with a name too few, too many, and another one."""
    named = dict(zip(names, row))
    others = {**named, "y": 0.5}
    return [named, dict(reversed(named.items())), dict(list(others.items())[1:]), others, {}]


def csv_bodies(width: int) -> list[str]:
    heading = ",".join(f"x{at}" for at in range(width))
    lines = [",".join([cell] * width) for cell in ("0.5", "7", " 1 ", "1_0", "nan", "", "-1e400", "a", '"1"')]
    lines += ["0.5," * width, "0.5", "", "x0", "\ufeff0.5"]
    headed = [
        f"{start}{heading}{end}{line}" for line in lines for start in ("", "\ufeff") for end in ("\n", "\r\n")
    ]
    swapped = f"{','.join(reversed(heading.split(',')))}\n{lines[0]}"
    more = [
        swapped,
        heading,
        f"{heading}\n",
        f"{heading}\n{lines[0]}\n{lines[0]}",
        f"{heading}\n\n{lines[0]}\n\n",
    ]
    return [headed[0], *headed, *lines, *more, *(f"{line}\n" for line in lines)]


def odd_tensors(width: int) -> list[tuple[str, object]]:
    """Give tensors of a right row, of which something else is wrong."""
    other_shapes: tuple[list[object], ...] = (
        [True, width],
        [1.0, width],
        [1, float(width)],
        [1],
        [1, 1, width],
        [1, width + 1],
        [],
    )
    entries: list[tuple[str, object]] = [("shape", shape) for shape in other_shapes]
    found: list[tuple[str, object]] = []
    for name, value in [*entries, ("name", 7), ("name", [{}]), ("name", None), ("datatype", "FP32")]:
        usual: dict[str, object] = {"name": "x", "shape": [1, width], "datatype": "FP64"}
        odd = {**usual, "data": [0.5] * width, name: value}
        found.append(("/v2/models/model/infer", {"inputs": [odd]}))
    return found


def told_lengths(width: int) -> list[tuple[str, bytes, dict[str, str]]]:
    """Give tensors with the length of the JSON part where Triton's clients tell it to SageMaker."""
    numbers = np.full(width, 0.25).tobytes()
    entry = {
        "name": "x",
        "shape": [1, width],
        "datatype": "FP64",
        "parameters": {"binary_data_size": width * 8},
    }
    text = json.dumps({"inputs": [entry]}).encode()
    as_json = json.dumps(tensors(width, [0.5] * width)).encode()
    sizes: list[tuple[bytes, object]] = [
        *((text + numbers, size) for size in (len(text), len(text) - 1, 0)),
        *((text, size) for size in (len(text), 0)),
        *((as_json, size) for size in (len(as_json), len(as_json) - 9, "x")),
    ]
    return [
        (path, body, {"Content-Type": f"application/x;json-header-size={size}"})
        for path in ("/v2/models/model/infer", "/invocations")
        for body, size in sizes
    ]


def requests(width: int) -> list[tuple[str, bytes, dict[str, str]]]:
    """Give requests of one row, of which some are unusual and some are wrong."""
    rows: list[list[Any]] = [[value] * width for value in VALUES] + [[], [0.5] * (width + 1)]
    found: list[tuple[str, object]] = []
    for row in rows:
        names = [f"x{at}" for at in range(width)]
        found += [
            ("/v1/models/model:predict", {"instances": [row]}),
            ("/v1/models/model:predict", {"instances": [row, row]}),
            ("/v1/models/model:predict", {"inputs": [row]}),
            ("/invocations", [row]),
            ("/invocations", {"inputs": [row]}),
            ("/invocations", {"instances": [row], "params": {}}),
            ("/invocations", {"dataframe_split": {"columns": names, "data": [row]}}),
            ("/invocations", {"dataframe_split": {"columns": names[::-1], "data": [row]}}),
            ("/invocations", {"dataframe_split": [row]}),
            *[("/invocations", {key: [one]}) for key in KEYS for one in records(names, row)],
            *[("/invocations", [one]) for one in records(names, row)],
            ("/invocations", {"dataframe_records": [dict(zip(names, row))] * 2}),
            ("/v2/models/model/infer", tensors(width, row)),
            ("/v2/models/model/infer", tensors(width, [row])),
            ("/v2/models/model/infer", tensors(width, row, id="ä")),
            ("/v2/models/model/infer", tensors(width, row, id=7)),
            ("/v2/models/model/infer", tensors(width, row, outputs=[{"name": "predict"}])),
            *[
                ("/v2/models/model/infer", tensors(width, row, parameters={"binary_data_output": wanted}))
                for wanted in (True, 1, 1.0, "true")
            ],
        ]
    found += odd_tensors(width)
    plain: list[tuple[str, bytes, dict[str, str]]] = [
        (path, json.dumps(body).encode(), {}) for path, body in found
    ]
    twice = b'[{"x0": 0.5, %s}]' % b", ".join(b'"x%d": 0.25' % at for at in range(width))
    plain += [("/invocations", twice, {}), ("/invocations", b'{"dataframe_records": %s}' % twice, {})]
    csv_type = {"Content-Type": "text/csv"}
    plain += [("/invocations", body.encode(), csv_type) for body in csv_bodies(width)]
    plain.append(("/invocations", csv_bodies(width)[0].encode(), {**csv_type, "Accept": "text/csv"}))
    numbers = np.full(width, 0.25).tobytes()
    for size in (len(numbers), float(len(numbers)), 8, True):
        parameters = {"binary_data_size": size}
        entry = {"name": "x", "shape": [1, width], "datatype": "FP64", "parameters": parameters}
        for wanted in ({}, {"parameters": {"binary_data_output": True}}):
            text = json.dumps({"inputs": [entry], **wanted}).encode()
            plain.append(("/v2/models/model/infer", text + numbers, {LENGTH: str(len(text))}))
    plain += told_lengths(width)
    return [*plain, ("/v2/models/model/infer", numbers, {LENGTH: "x"})]


def answers(client: FlaskClient, width: int) -> list[tuple[int, bytes, str | None]]:
    found = []
    for path, body, headers in requests(width):
        response = client.post(path, data=body, headers={"Content-Type": "application/json", **headers})
        found.append((response.status_code, response.data, response.headers.get(LENGTH)))
    return found


@pytest.mark.parametrize("name", MODELS)
def test_the_short_way_answers_the_same(
    name: str, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    model: Fitted = MODELS[name]
    width = model.n_features_in_
    with monkeypatch.context() as patched:
        patched.setattr(OneRow, "may_be", lambda *_: False)
        expected = answers(make_client(model), width)

    assert answers(make_client(model), width) == expected
    assert {200, 400} <= {status for status, _, _ in expected}


def test_usual_requests_take_the_short_way(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    of_json, of_tensors = OneRow.prediction, UsualRequest.answer

    def note(found: Any) -> Any:
        taken.append(found is not None)
        return found

    monkeypatch.setattr(OneRow, "prediction", lambda *given: note(of_json(*given)))
    monkeypatch.setattr(UsualRequest, "answer", lambda *given: note(of_tensors(*given)))
    client = make_client(MODELS["texts"])
    row = [0.5, 1.5, 2.5]

    csv_body, as_csv = "x0,x1,x2\n0.5,1.5,2.5\n", {"Content-Type": "text/csv"}
    assert client.post("/invocations", data=csv_body, headers=as_csv).status_code == 200
    for path, body in (
        ("/invocations", {"dataframe_records": [{"x1": 1.5, "x0": 0.5, "x2": 2.5}]}),
        ("/v1/models/model:predict", {"instances": [row]}),
        ("/invocations", {"dataframe_split": {"columns": ["x0", "x1", "x2"], "data": [row]}}),
        ("/v2/models/model/infer", tensors(3, [*row])),
    ):
        assert client.post(path, json=body).status_code == 200

    assert taken == [True] * 5


@pytest.mark.parametrize("names", [["0", "1"], ["nan", "inf"], ["a,b", "c"], ['"a"', "b"], ["ä", "b "]])
def test_names_that_could_be_cells_are_read_alike(
    names: list[str], make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = LogisticRegression().fit(pd.DataFrame(TABLE[:, :2], columns=names), CLASSES)
    headings = [",".join(names), ",".join(f'"{name}"' for name in names), ",".join(reversed(names))]
    bodies = [f"{heading}{end}" for heading in headings for end in ("", "\n", "\n1,2", "\n1,2\n", "\n1,2,3")]

    def outcomes() -> list[tuple[int, bytes]]:
        client = make_client(model)
        sent = [client.post("/invocations", data=one, content_type="text/csv") for one in bodies]
        return [(answer.status_code, answer.data) for answer in sent]

    found = outcomes()
    monkeypatch.setattr(OneRow, "may_be", lambda *_: False)
    assert found == outcomes()
