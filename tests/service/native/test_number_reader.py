"""The C code finds the tables of numbers that a parser would find, and no others."""

from __future__ import annotations

import json
import random
import struct
from typing import Any

import numpy as np
import pytest

from service.native.library import FLAT, LIBRARY, LISTS, OBJECTS
from service.native.number_reader import NumberReader
from service.native.row_reader import RowReader

NAMES = ["a", "länge", "rows"]
LONG = [*range(40)]


@pytest.fixture(scope="module")
def reader() -> NumberReader:
    assert LIBRARY, "the C code must be compiled: .ci/setup compiles it"
    return NumberReader(RowReader(NAMES, LIBRARY), LIBRARY)


def found(reader: NumberReader, body: bytes) -> list[tuple[int, Any]]:
    """The kind and the numbers of each table; what the parser makes of its text must be the same."""
    tables = reader.find(body)
    for table in tables:
        value = json.loads(body[table.start : table.end])
        if table.kind == OBJECTS:
            value = [[row[name] for name in NAMES] for row in value]
        expected = np.array(value, np.float64)
        assert table.numbers.shape == expected.shape
        assert table.numbers.tobytes() == expected.tobytes()
    return [(table.kind, table.numbers.tolist()) for table in tables]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (LONG, FLAT),
        ([[1.5, -2, 1e-5], [0, -0.0, 3e20]], LISTS),
        ([[1]], LISTS),
        ([{"a": 1, "länge": 2.5, "rows": 3}, {"rows": 3, "a": 1, "länge": -2.5}], OBJECTS),
    ],
)
def test_a_table_is_found_wherever_it_stands(
    reader: NumberReader, value: Any, kind: int, indent: int | None
) -> None:
    for document in (value, {"x": value}, {"x": [{"y": "[1", "shape": [9, 9], "data": value}], "z": []}):
        body = json.dumps(document, ensure_ascii=False, indent=indent).encode()

        assert [one for one, _ in found(reader, body)] == [kind]


def test_several_tables_are_found_in_their_order(reader: NumberReader) -> None:
    body = json.dumps({"a": LONG, "b": [[1, 2]], "c": LONG[::-1]}).encode()

    assert found(reader, body) == [(FLAT, LONG), (LISTS, [[1, 2]]), (FLAT, LONG[::-1])]


def test_more_tables_than_a_request_has_are_left_to_the_parser(reader: NumberReader) -> None:
    assert found(reader, json.dumps([[[1]]] * (len(NAMES) + 2)).encode()) == []


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"[",
            b"[[",
            b"[[1",
            b"[[1]",
            b"[]",
            b"[[]]",
            b"[[1],[1,2]]",
            b"[[1],[]]",
            b"[[1],2]",
            b"[[1,]]",
        ),
        *(b"[[1],]", b"[[NaN]]", b"[[null]]", b"[[true]]", b'[["1"]]', b"[[1e999]]", b"[[1e39]]", b"[[01]]"),
        *(b"[[1.]]", b"[[.5]]", b"[[+1]]", b"[[-]]", b"[[1e]]", b"[[0x1]]", b"[[Infinity]]", b"[[1 2]]"),
        *(b"[[1\x00]]", b"[[\xff]]", b'"[[1]]"', b'"[[1]]', b'"\\"[[1]]', b'{"\\u0061": [[1]]}'),
        *(b"[1, 2, 3]", b'[{"a": 1}]', b'[{"a": 1, "a": 1, "rows": 2}]', b'[{"a": 1, "b": 2, "rows": 3}]'),
        *(json.dumps([*LONG, None]).encode(), json.dumps(LONG).encode()[:-1], b"[" * 10_000),
    ],
)
def test_what_is_not_certainly_a_table_is_left_to_the_parser(reader: NumberReader, body: bytes) -> None:
    assert found(reader, body) == []


def test_no_change_of_a_body_makes_a_table_that_the_parser_refuses(reader: NumberReader) -> None:
    chance = random.Random(5)  # noqa: S311 (no secret)
    rows = [{"a": 1.25, "länge": -0.5, "rows": 12345678901234567890}] * 2
    good = json.dumps({"x": LONG, "y": [[1.5, 2e3], [-1, 0]], "z": rows}, ensure_ascii=False).encode()
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
        b"\\",
        b"\xff",
    ]
    count = 0
    for _ in range(8_000):
        body = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(body))
            body[at : at + chance.randint(0, 2)] = chance.choice(changes)
        count += len(found(reader, bytes(body)))
    assert count > 500


def test_numbers_of_every_length_are_the_nearest_doubles(reader: NumberReader) -> None:
    chance = random.Random(9)  # noqa: S311 (no secret)
    texts = []
    for _ in range(10_000):
        whole = str(chance.randrange(10 ** chance.randint(1, 20)))
        places = "".join(chance.choices("0123456789", k=chance.randint(1, 20)))
        texts.append(f"{chance.choice(['', '-'])}{whole}.{places}")
    for _ in range(10_000):
        number: float = struct.unpack("d", chance.randbytes(8))[0]
        texts += [repr(number)] if abs(number) <= 1e38 else []
        texts.append(f"{chance.uniform(-10, 10)!r}")

    [table] = reader.find(f"[{','.join(texts)}]".encode())

    assert table.numbers.tobytes() == np.array([*map(float, texts)]).tobytes()


@pytest.mark.parametrize(
    "text", [b"1,2,3\n4,5,-6e2", b"1,2,3\r\n\r\n4,5,-600\r\n", b"\n1,2,3\r4,5,-600.0\n\n"]
)
def test_lines_of_numbers_are_read(reader: NumberReader, text: bytes) -> None:
    rows = reader.read_csv(text)

    assert rows is not None
    assert rows.tolist() == [[1, 2, 3], [4, 5, -600]]


@pytest.mark.parametrize(
    "text",
    [
        *(
            b"",
            b"\n",
            b"1,2",
            b"1,2,3,4",
            b"1,2,3\n4,5",
            b"1,2,\n3",
            b"1,2,,",
            b"1,2,nan",
            b"1,2, 3",
            b"1,2,3 ",
        ),
        *(
            b'1,2,"3"',
            b"1,2,+3",
            b"1,2,3;",
            b"1,2,3\x00",
            b"1,2,1e39",
            b"1,2,0x3",
            b"1,2,.5",
            b"\xef\xbb\xbf1,2,3",
        ),
    ],
)
def test_lines_with_anything_else_are_left_to_python(reader: NumberReader, text: bytes) -> None:
    assert reader.read_csv(text) is None
