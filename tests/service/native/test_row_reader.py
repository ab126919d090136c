"""The C code reads the same rows as the parser in Python, or leaves the text to the parser."""

from __future__ import annotations

import json
import random
import struct
from typing import Any
from urllib.parse import parse_qsl

import pytest

from service.errors import InvalidInput
from service.native.library import LIBRARY
from service.native.row_reader import RowReader
from service.protocols.payload import parse_json, parse_query
from service.protocols.row_checks import RowChecks
from service.schema.features import Feature

NAMES = ["a", "länge", "rows"]
FEATURES = tuple(Feature(name) for name in NAMES)
GOOD = {"a": 1.5, "länge": -2, "rows": 0}


@pytest.fixture
def reader() -> RowReader:
    assert LIBRARY, "the C code must be compiled: .ci/setup compiles it"
    return RowReader(NAMES, LIBRARY)


def same_bits(found: Any, expected: float) -> bool:
    return struct.pack("d", float(found)) == struct.pack("d", expected)


@pytest.mark.parametrize(
    "document",
    [
        GOOD,
        {"rows": [GOOD]},
        {"rows": [GOOD, dict(reversed(GOOD.items()))]},
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_a_body_gives_the_rows_of_the_parser(reader: RowReader, document: object, indent: int | None) -> None:
    body = json.dumps(document, ensure_ascii=False, indent=indent).encode()

    rows = reader.read(body)

    assert rows is not None
    assert rows.tolist() == parse_json(body, RowChecks.of(FEATURES))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"rows": []}',
        b'{"rows": [{"a": 1, "rows": 2}]}',
        '{"a": 1, "länge": 2, "rows": 3, "a": 4}'.encode(),
        '{"a": 1, "länge": 2, "rows": 3, "more": 4}'.encode(),
        '{"a": "1", "länge": 2, "rows": 3}'.encode(),
        '{"a": null, "länge": 2, "rows": 3}'.encode(),
        '{"a": true, "länge": 2, "rows": 3}'.encode(),
        '{"a": NaN, "länge": 2, "rows": 3}'.encode(),
        '{"a": 1e39, "länge": 2, "rows": 3}'.encode(),
        '{"a": 01, "länge": 2, "rows": 3}'.encode(),
        '{"a": 1., "länge": 2, "rows": 3}'.encode(),
        '{"a": .5, "länge": 2, "rows": 3}'.encode(),
        '{"a": +1, "länge": 2, "rows": 3}'.encode(),
        '{"a": 1e, "länge": 2, "rows": 3}'.encode(),
        '{"a": -, "länge": 2, "rows": 3}'.encode(),
        '{"a": 0x10, "länge": 2, "rows": 3}'.encode(),
        '{"a": 1 "länge": 2, "rows": 3}'.encode(),
        '{"a": 1, "länge": 2, "rows": 3'.encode(),
        '{"a": 1, "länge": 2, "rows": 3} x'.encode(),
        '{"a": 1, "länge": 2, "rows": 3,}'.encode(),
        '{"rows": [{"a": 1, "länge": 2, "rows": 3}], "rows": []}'.encode(),
        '{"rows": [{"a": 1, "länge": 2, "rows": 3},]}'.encode(),
        '{"rows": [{"a": 1, "länge": 2, "rows": 3}'.encode(),
        '{"\\u0061": 1, "länge": 2, "rows": 3}'.encode(),
        '{"a": 1, "länge": 2, "rows": 3}'.encode("latin-1"),
        '{"a": 1, "länge": 2, "rows": 3}'.encode("utf-16"),
    ],
)
def test_a_body_that_is_not_certainly_right_is_left_to_the_parser(reader: RowReader, body: bytes) -> None:
    assert reader.read(body) is None


def test_no_body_is_read_that_the_parser_refuses(reader: RowReader) -> None:
    chance = random.Random(7)  # noqa: S311 (no secret)
    good = json.dumps({"rows": [GOOD, GOOD]}, ensure_ascii=False).encode()
    read = 0
    for _ in range(20_000):
        body = bytearray(good)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(body))
            change = chance.choice([b"", b'"', b",", b"0", b"-", b".", b"e5", b"}", b"{", b" ", b"\x00"])
            body[at : at + chance.randint(0, 2)] = change
        rows = reader.read(bytes(body))
        if rows is not None:
            read += 1
            # The parser raises InvalidInput for a text that it refuses.
            assert rows.tolist() == parse_json(bytes(body), RowChecks.of(FEATURES))
    assert read > 500


def numbers() -> list[str]:
    chance = random.Random(3)  # noqa: S311 (no secret)
    texts = [
        "0",
        "-0",
        "0.0",
        "1e5",
        "1E-5",
        "1e+5",
        "1e-400",
        "0e9",
        "123456789012345678901234567890",
        "1e38",
    ]
    for _ in range(20_000):
        digits = str(chance.randrange(10 ** chance.randint(1, 21)))
        places = str(chance.randrange(10 ** chance.randint(1, 21))).zfill(chance.randint(1, 24))
        bits: float = struct.unpack("d", chance.randbytes(8))[0]
        texts += [
            digits,
            f"-{digits}.{places}",
            f"0.{places}",
            f"{digits}e{chance.randint(-30, 18)}",
            repr(bits),
        ]
    # A wrong rounding shows first halfway between two doubles, and just beside that.
    for _ in range(2000):
        low = chance.randrange(2**53, 2**54) * 2
        texts += [str(low + 1), f"{low + 1}.0000000001", f"{low}.9999999999", f"0.{low + 1}"]
    return texts


def test_numbers_are_the_nearest_doubles() -> None:
    assert LIBRARY
    reader = RowReader(["a"], LIBRARY)
    read = 0
    for text in numbers():
        rows = reader.read(b'{"a": %s}' % text.encode())
        if rows is None:
            with pytest.raises(InvalidInput):
                parse_json(b'{"a": %s}' % text.encode(), RowChecks.of((Feature("a"),)))
        else:
            read += 1
            # As in Python, -0 is a whole number, and -0.0 is none.
            expected = 0.0 if text == "-0" else float(text)
            assert same_bits(rows[0, 0], expected), text
    assert read > 80_000


QUERY_NAMES = ["a", "b1", "c_"]
QUERY_FEATURES = tuple(Feature(name) for name in QUERY_NAMES)


def parsed(query: str) -> list[Any]:
    return parse_query(parse_qsl(query, keep_blank_values=True), RowChecks.of(QUERY_FEATURES))


@pytest.mark.parametrize("query", ["a=1.5&b1=-2&c_=0", "c_=1e3&a=0.1&b1=12345678901234567890"])
def test_a_query_gives_the_row_of_the_parser(query: str) -> None:
    assert LIBRARY

    row = RowReader(QUERY_NAMES, LIBRARY).read_query(query)

    assert row is not None
    assert row.tolist() == [parsed(query)]


@pytest.mark.parametrize(
    "query",
    [
        *("", "a", "a=1", "a=1&b1=2", "a=1&b1=2&c_=", "a=1&b1=2&c_=3&", "&a=1&b1=2&c_=3", "a=1&b1=2&b1=3"),
        *("a=1&b1=2&c_= 3", "a=1&b1=2&c_=+3", "a=1&b1=2&c_=nan", "a=1&b1=2&c_=1e39", "a=1&b1=2&c_=0x1"),
        *("a=1&b1=2&c_=3&d=4", "a=1;b1=2&c_=3", "a=1&b1=2&c_=3\0", "a=1&b1=2&c_=3#", "a=1&b1=2&c_=-"),
        *("a=1&b1=2&c_=01", "a=1&b1=2&c_=.5", "a=1&b1=2&%63_=3", "a=1&b1=2&c_=ä"),
    ],
)
def test_a_query_that_is_not_certainly_right_is_left_to_the_parser(query: str) -> None:
    assert LIBRARY

    assert RowReader(QUERY_NAMES, LIBRARY).read_query(query) is None


def test_no_query_is_read_that_the_parser_refuses() -> None:
    assert LIBRARY
    reader = RowReader(QUERY_NAMES, LIBRARY)
    chance = random.Random(11)  # noqa: S311 (no secret)
    good = "a=1.5&b1=-2e3&c_=0"
    read = 0
    for _ in range(20_000):
        query = list(good)
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(query))
            change = chance.choice(["", "=", "&", "0", "-", ".", "e5", "+", "%31", " ", "\x00", "a", "\n"])
            query[at : at + chance.randint(0, 2)] = change
        row = reader.read_query("".join(query))
        if row is not None:
            read += 1
            # The parser raises InvalidInput for a text that it refuses.
            assert row.tolist() == [parsed("".join(query))]
    assert read > 500


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "a\x7fb"])
def test_names_that_need_an_escape_are_not_read(name: str) -> None:
    assert not RowReader.can_read([name])
