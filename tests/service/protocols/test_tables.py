"""Rows from lists, objects, columns and matrices, for models of numbers and of mixed columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

import numpy as np
import pytest

from service.errors import InvalidInput
from service.protocols.row_checks import RowChecks
from service.protocols.tables import TableReader
from tests.service.protocols.test_same_rows import mixed_model

if TYPE_CHECKING:
    from sklearn.linear_model import LogisticRegression

    from service.prediction.predictor import Predictor

NAMES = ["slength", "swidth", "plength", "pwidth"]
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]
MIXED = ["age", "rooms", "town", "size", "member", "note"]
MIXED_ROW = [None, 1.0, "Köln", "S", True, "good"]


@pytest.fixture
def numbers(classifier: LogisticRegression, make_predictor: Callable[[object], Predictor]) -> TableReader:
    return TableReader(make_predictor(classifier))


@pytest.fixture
def mixed(make_predictor: Callable[[object], Predictor]) -> TableReader:
    return TableReader(make_predictor(mixed_model()))


def checks(reader: TableReader) -> RowChecks:
    return RowChecks(reader.rules)


def listed(rows: Any) -> list[list[Any]]:
    return [list(row) for row in (rows.tolist() if isinstance(rows, np.ndarray) else rows)]


def test_all_ways_give_the_same_rows_of_numbers(numbers: TableReader) -> None:
    ways = [
        numbers.of_lists(ROWS, checks(numbers)),
        numbers.of_lists([row[::-1] for row in ROWS], checks(numbers), NAMES[::-1]),
        numbers.of_objects([dict(zip(NAMES, row)) for row in ROWS], checks(numbers)),
        numbers.of_matrix(np.array(ROWS), checks(numbers)),
        numbers.of_matrix(np.asfortranarray(ROWS), checks(numbers)),
        numbers.of_matrix(np.array(ROWS, dtype=object), checks(numbers)),
        numbers.of_columns({name: np.array(ROWS)[:, at] for at, name in enumerate(NAMES)}, checks(numbers)),
        numbers.of_columns(
            {name: [row[at] for row in ROWS] for at, name in reversed([*enumerate(NAMES)])}, checks(numbers)
        ),
    ]

    for rows in ways:
        assert isinstance(rows, np.ndarray)
        assert (str(rows.dtype), rows.tolist()) == ("float64", ROWS)


def test_rows_of_the_bytes_of_a_body_are_aligned_for_compiled_code(numbers: TableReader) -> None:
    body = b"x" + np.array(ROWS).tobytes()
    matrix = np.frombuffer(body, np.float64, offset=1).reshape(2, 4)
    assert not matrix.flags.aligned

    rows = numbers.of_matrix(matrix, checks(numbers))

    assert isinstance(rows, np.ndarray)
    assert rows.flags.aligned
    assert rows.tolist() == ROWS


def test_all_ways_give_the_same_mixed_rows(mixed: TableReader) -> None:
    ways = [
        mixed.of_lists([MIXED_ROW], checks(mixed)),
        mixed.of_lists([[float("nan"), *MIXED_ROW[1:]]], checks(mixed), MIXED),
        mixed.of_objects([dict(zip(MIXED, MIXED_ROW))], checks(mixed)),
        mixed.of_matrix(np.array([MIXED_ROW], dtype=object), checks(mixed)),
        mixed.of_columns({name: [value] for name, value in zip(MIXED, MIXED_ROW)}, checks(mixed)),
        mixed.of_columns(
            {
                **{name: [value] for name, value in zip(MIXED, MIXED_ROW)},
                "age": np.array([np.nan]),
                "member": np.array([True]),
            },
            checks(mixed),
        ),
    ]

    assert all(listed(rows) == [MIXED_ROW] for rows in ways)


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "f2", "f4", ">f8"])
def test_numbers_of_any_dtype_become_those_of_64_bits(numbers: TableReader, dtype: str) -> None:
    rows = numbers.of_matrix(np.array([[1, 0, 1, 0]], dtype), checks(numbers))

    assert isinstance(rows, np.ndarray)
    assert (str(rows.dtype), rows.tolist()) == ("float64", [[1.0, 0.0, 1.0, 0.0]])


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        pytest.param([[1, 2]], (), "the rows are 1x2, and the model takes 4 columns: slength", id="short"),
        pytest.param([ROWS[0], [1]], (), "row 1 has 1 value, and there are 4 columns", id="ragged"),
        pytest.param([ROWS[0], "abcd"], (), "row 1 must be a list of values; it is a string", id="a text"),
        pytest.param([{}], (), "row 0 must be a list of values; it is an object", id="an object"),
        pytest.param([ROWS[0]], ["a", "a", "b", "c"], "several columns called a", id="a name twice"),
        pytest.param([ROWS[0]], ["a", *NAMES[1:]], "a is not a feature of the model", id="unknown"),
        pytest.param([ROWS[0][:3]], NAMES[:3], "pwidth is missing", id="missing"),
        pytest.param([[1, 2, 3, None]], (), "row 0: pwidth has no value", id="no value"),
        pytest.param([[1, 2, 3, float("nan")]], (), "row 0: pwidth has no value", id="NaN"),
        pytest.param([[1, 2, 3, 1e39]], (), "row 0: pwidth is too large", id="too large"),
        pytest.param([[1, 2, 3, float("inf")]], (), "row 0: pwidth is not", id="infinity"),
        pytest.param([[1, 2, 3, "4"]], (), "row 0: pwidth is not a number", id="a text as number"),
        pytest.param([[1, 2, 3, [4]]], (), "row 0: pwidth is not a number", id="a list as number"),
    ],
)
def test_lists_that_do_not_fit_are_refused(
    numbers: TableReader, rows: list[Any], columns: list[str], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message):
        numbers.of_lists(rows, checks(numbers), columns)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"slength": [1.0]}, "swidth is missing"),
        (
            {**{name: [1.0] for name in NAMES}, "slength": [1.0, 2.0]},
            "different lengths: slength: 2, swidth: 1",
        ),
        ({**{name: [1.0] for name in NAMES}, "width": [1.0]}, "width is not a feature"),
        (dict.fromkeys(NAMES, np.array(["a"])), "slength is not a number"),
    ],
)
def test_columns_that_do_not_fit_are_refused(numbers: TableReader, columns: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        numbers.of_columns(columns, checks(numbers))


@pytest.mark.parametrize("shape", [(4,), (2, 2), (1, 4, 1), ()])
def test_a_matrix_of_another_shape_is_refused(numbers: TableReader, shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidInput, match="the model takes 4 columns: slength, swidth"):
        numbers.of_matrix(np.zeros(shape), checks(numbers))


def test_an_unknown_category_is_a_warning_in_every_way(mixed: TableReader) -> None:
    row = ["x" if value == "Köln" else value for value in MIXED_ROW]
    found = checks(mixed)

    mixed.of_lists([row], found)
    mixed.of_objects([dict(zip(MIXED, row))], found)
    mixed.of_columns({name: [value] for name, value in zip(MIXED, row)}, found)

    assert found.warning_count == 3


def test_many_columns_are_not_all_named(make_predictor: Callable[[object], Predictor]) -> None:
    from sklearn.linear_model import LinearRegression  # noqa: PLC0415 (used once)

    reader = TableReader(make_predictor(LinearRegression().fit(np.eye(30), np.arange(30.0))))

    assert reader.expected().startswith("x0, x1, ")
    assert reader.expected().endswith("x19 and 10 more")


def test_a_body_is_decoded_with_what_was_given_twice(numbers: TableReader, mixed: TableReader) -> None:
    for reader in (numbers, mixed):
        assert reader.decode(b'{"a": [[1, 2.5, null]]}', {}) == {"a": [[1, 2.5, None]]}
        twice: Any = reader.decode(b'[{"a": 1, "a": 2}]', {})
        assert twice[0].repeated == ("a",)
        with pytest.raises(InvalidInput, match="not JSON"):
            reader.decode(b"{", {})
