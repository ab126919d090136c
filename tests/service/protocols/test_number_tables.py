"""Bodies whose tables C reads get the answers, and the errors, that they get without the C code."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from service.errors import InvalidInput, WrongContentType
from service.native.library import FLAT, LISTS
from service.prediction.exchange import Asked
from service.prediction.model_names import ModelNames
from service.protocols import number_tables
from service.protocols.invocations import Invocations
from service.protocols.kserve_v1 import KServeV1
from service.protocols.number_tables import EACH, ELEMENT, NumberTables
from service.protocols.open_inference.endpoint import OpenInference
from tests.service.sameness import assert_same

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.prediction.predictor import Predictor

NAMES = ["x0", "x1", "x2"]
ROWS = [[1.5, -2.0, 3.25], [0.1, 4.0, 1e3]] * 20
RECORDS = [dict(zip(NAMES, row)) for row in ROWS]
COLUMNS = {name: [row[at] for row in ROWS] for at, name in enumerate(NAMES)}
FLAT_ROWS = [value for row in ROWS for value in row]


def tensor(name: str, shape: list[int], data: object, datatype: str = "FP64") -> dict[str, object]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


INVOCATIONS = [
    *(ROWS, RECORDS, {"instances": ROWS}, {"instances": COLUMNS}, {"inputs": RECORDS}, {"inputs": COLUMNS}),
    *({"dataframe_records": RECORDS}, {"dataframe_split": {"columns": NAMES, "data": ROWS}}),
    *({"dataframe_split": {"columns": NAMES[::-1], "data": ROWS}}, {"columns": NAMES, "data": ROWS}),
    *({"dataframe_split": {"columns": [*NAMES[:2], "x9"], "data": ROWS}}, {"instances": FLAT_ROWS}),
    *({"dataframe_split": {"columns": NAMES, "data": RECORDS}}, {"inputs": [row[:2] for row in ROWS]}),
    *({"inputs": COLUMNS, "params": {"a": FLAT_ROWS}}, {"inputs": {**COLUMNS, "x1": [None] * len(ROWS)}}),
    *({"inputs": {**COLUMNS, "x3": COLUMNS["x0"]}}, {"inputs": {**COLUMNS, "x1": COLUMNS["x1"][1:]}}),
    *(
        {"input_data": {"columns": NAMES, "data": ROWS}},
        {"dataframe_split": ROWS},
        {"a": "table:0", "b": ROWS},
    ),
]
TENSORS = [
    *(
        [tensor("in", [40, 3], ROWS)],
        [tensor("in", [40, 3], FLAT_ROWS)],
        [tensor("in", [40, 3], ROWS, "FP32")],
    ),
    *([tensor("in", [120], FLAT_ROWS)], [tensor("in", [3, 40], ROWS)], [tensor("in", [9, 9], ROWS)]),
    *([tensor(name, [40], column) for name, column in COLUMNS.items()], [tensor("in", [40, 3], RECORDS)]),
    *([tensor("in", [40, 3], ROWS, "INT64")], [tensor("in", [40, 3], ROWS, "BYTES")], [ROWS], ROWS),
    [{**tensor("in", [40, 3], ROWS), "parameters": {"binary_data_size": 9}}],
]


def passing_through(columns: int) -> StandardScaler:
    """A model whose answer is its input. It computes with each number alone: a sum of several numbers may
    differ in its last digit between an array of rows and an array of columns."""
    return StandardScaler().fit(np.repeat([[-1.0], [1.0]], columns, axis=1))


class Doors:
    """The same model behind three wire formats, with or without the C code for tables."""

    def __init__(self, predictor: Predictor) -> None:
        names = ModelNames(("m",), ("1",))
        invocations = Invocations(predictor, version="1", max_body_bytes=10**6)
        v1, v2 = KServeV1(predictor, names), OpenInference(predictor, names, version="1")
        self.readers = [one._reader for one in (invocations, v1, v2)]
        self.doors = {
            "invocations": invocations.invoke,
            "v1": v1.predicting("/v1").methods["POST"],
            "v2": v2.inferring("m"),
        }

    def outcome(self, door: str, body: bytes, content_type: str = "application/json") -> object:
        """The answer, or what an error says."""
        try:
            answer = self.doors[door](Asked({"CONTENT_TYPE": content_type, "QUERY_STRING": ""}, body))
        except (InvalidInput, WrongContentType) as error:
            return str(error), error.details
        return answer


@pytest.fixture
def outcomes(
    make_predictor: Callable[[object], Predictor], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[object]]:
    """Give the outcomes of a request with the C code, and without it."""
    monkeypatch.setattr(number_tables, "_BYTES_MIN", 0)
    model = passing_through(3)
    with_c, without_c = Doors(make_predictor(model)), Doors(make_predictor(model))
    for reader in without_c.readers:
        assert reader.tables is not None
        reader.tables = None
    return lambda *asked: [with_c.outcome(*asked), without_c.outcome(*asked)]


def bodies() -> list[tuple[str, bytes]]:
    found = [("invocations", json.dumps(one).encode()) for one in INVOCATIONS]
    keyed = [one for one in INVOCATIONS if isinstance(one, dict)]
    found += [("v1", json.dumps(one).encode()) for one in keyed]
    found += [("v1", json.dumps({"instances": one}).encode()) for one in ({"a": ROWS}, FLAT_ROWS, [ROWS])]
    return [*found, *(("v2", json.dumps({"inputs": one}).encode()) for one in TENSORS)]


def test_every_form_of_a_table_gets_the_same_outcome(outcomes: Callable[..., list[object]]) -> None:
    for door, body in bodies():
        with_c, without_c = outcomes(door, body)

        assert_same(with_c, without_c, body[:100])


def test_changed_bodies_get_the_same_outcome(outcomes: Callable[..., list[object]]) -> None:
    chance = random.Random(2)  # noqa: S311 (no secret)
    changes = [
        b"",
        b'"',
        b",",
        b"0",
        b"-",
        b".",
        b"e5",
        b"}",
        b"{",
        b" ",
        b"\x00",
        b"[",
        b"]",
        b"null",
        b"NaN",
    ]
    changes += [b"true", b"\\", b"\xff", b"1e999", b'"x0":1,', b"12345678901234567890"]
    for door, good in bodies() * 4:
        body = bytearray(good)
        for _ in range(chance.randint(1, 2)):
            at = chance.randrange(len(body))
            body[at : at + chance.randint(0, 2)] = chance.choice(changes)

        with_c, without_c = outcomes(door, bytes(body))

        assert_same(with_c, without_c, bytes(body))


def test_a_csv_gets_the_same_outcome(outcomes: Callable[..., list[object]]) -> None:
    lines = [",".join(map(repr, row)) for row in ROWS]
    texts = ["\n".join(some) for some in (lines, [",".join(NAMES), *lines], ["x2, x0 ,x1", *lines])]
    texts += ["\r\n".join(['"x0","x1","x2"', "", *lines, ""]), "x0,x1\n1,2", "x0,x1,x9\n1,2,3", "", "\n\n"]
    texts += [
        "\ufeff" + texts[1],
        "\ufeff" + texts[0],
        texts[1] + "\n1,2",
        texts[1] + "\n1,2,",
        '"x0\n",x1\n1,2',
    ]
    texts += [
        texts[1] + f"\n{cells}" for cells in ("1,2,NA", "1, 2 ,3", "+1,.5,5.", "1e999,1,1", "-0,01,1_0")
    ]

    for text in texts:
        with_c, without_c = outcomes("invocations", text.encode(), "text/csv")

        assert_same(with_c, without_c, text[:100])


def test_tables_stand_as_arrays_in_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_tables, "_BYTES_MIN", 0)
    tables, body = NumberTables(NAMES), json.dumps({"a": [{"b": ROWS}, 1], "c": COLUMNS["x0"]}).encode()

    found: Any = tables.decode(body, {("a", ELEMENT, "b"): (LISTS,), ("c",): (FLAT,)}, json.loads)

    assert found["a"][0]["b"].tolist() == ROWS
    assert found["a"][1] == 1
    assert found["c"].tolist() == COLUMNS["x0"]


def test_wide_rows_of_different_lengths_get_the_same_outcome(
    make_predictor: Callable[[object], Predictor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_tables, "_BYTES_MIN", 0)
    model = passing_through(40)
    with_c, without_c = Doors(make_predictor(model)), Doors(make_predictor(model))
    for reader in without_c.readers:
        reader.tables = None
    row = [0.5] * 40

    for rows in ([row, row], [row, row[1:]], [row, [*row, 1.0]], [row, [None, *row[1:]]], [row, 1.5], row):
        for key in ("instances", "inputs", "input_data", "dataframe_records"):
            body = json.dumps({key: rows}).encode()
            for door in ("invocations", "v1"):
                assert_same(with_c.outcome(door, body), without_c.outcome(door, body), (key, rows))
        for data in (rows, {"a": rows}):
            body = json.dumps({"inputs": [tensor("in", [2, 40], data)]}).encode()
            assert_same(with_c.outcome("v2", body), without_c.outcome("v2", body), data)
        body = json.dumps({"inputs": {"in": {"data": rows}}}).encode()
        assert_same(with_c.outcome("v2", body), without_c.outcome("v2", body), rows)


@pytest.mark.parametrize("places", [{}, {("a",): (FLAT,)}, {("b",): (LISTS,)}, {("a", EACH): (LISTS,)}])
def test_a_table_in_another_place_is_left_to_the_parser(
    places: dict[tuple[str, ...], tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_tables, "_BYTES_MIN", 0)

    assert NumberTables(NAMES).decode(json.dumps({"a": ROWS}).encode(), places, json.loads) is None
