from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from infer_cli.saving.failure import SaveFailed
from infer_cli.saving.table import Table

FRAME = pd.DataFrame(
    {
        "n": [1.5, None, -2.0],
        "k": [2**53 + 1, 1, 2],
        "small": np.array([1, 2, 3], dtype="int8"),
        "yes": [True, False, True],
        "word": ["a", None, "b"],
        "kind": pd.Categorical(["x", "y", "x"], categories=["y", "x", "z"]),
        "day": pd.to_datetime(["2026-01-31", "2026-02-01", None]),
        "mixed": [1, "x", True],
    }
)


def test_the_columns_of_a_frame_are_described() -> None:
    found = {feature.pop("name"): feature for feature in Table(FRAME, None).features()}

    day = found.pop("day")
    assert day["type"] == "date"
    assert str(day["dtype"]).startswith("datetime64[")
    assert day["nullable"] is True
    assert found == {
        "n": {"type": "number", "dtype": "float64", "nullable": True, "low": -2, "high": 1.5, "example": 1.5},
        "k": {
            "type": "number",
            "dtype": "int64",
            "nullable": False,
            "low": 1.0,
            "high": float(2**53 + 1),
            "example": 2**53 + 1,
        },
        "small": {"type": "number", "dtype": "int8", "nullable": False, "low": 1, "high": 3, "example": 1},
        "yes": {"type": "boolean", "nullable": False, "example": True},
        "word": {"type": "text", "nullable": True, "example": "a"},
        "kind": {
            "type": "category",
            "dtype": "category",
            "categories": ["y", "x", "z"],
            "nullable": False,
            "example": "x",
        },
        "mixed": {},
    }


def test_rows_are_written_exactly() -> None:
    assert Table(FRAME, None).records([0, 1])[0] == {
        "n": 1.5,
        "k": 2**53 + 1,
        "small": 1,
        "yes": True,
        "word": "a",
        "kind": "x",
        "day": "2026-01-31T00:00:00",
        "mixed": 1,
    }
    assert Table(FRAME, None).records([1])[0]["n"] is None
    assert Table(FRAME, None).records([1])[0]["word"] is None


@pytest.mark.parametrize(
    ("content", "known", "names", "record"),
    [
        pytest.param(np.array([[1, 2], [3, 4]]), None, ["x0", "x1"], {"x0": 3, "x1": 4}, id="an array"),
        pytest.param(np.array([[1.0, 2.0]] * 2), ["a", "b"], ["a", "b"], {"a": 1, "b": 2}, id="known names"),
        pytest.param([[1, "x"], [2, "y"]], None, ["x0", "x1"], {"x0": 2, "x1": "y"}, id="lists"),
        pytest.param(["a b", "c"], None, ["x0"], {"x0": "c"}, id="texts"),
        pytest.param(pd.Series(["a b", "c"], index=[7, 8]), None, ["x0"], {"x0": "c"}, id="a series"),
        pytest.param([{"a": 1}, {"b": "x"}], None, ["a", "b"], {"b": "x"}, id="dictionaries"),
        pytest.param(
            sparse.csr_matrix([[0, 1], [2, 0]]), None, ["x0", "x1"], {"x0": 2, "x1": 0}, id="sparse"
        ),
        pytest.param(pd.DataFrame([[1, 2], [3, 4]]), None, ["x0", "x1"], {"x0": 3, "x1": 4}, id="numbered"),
    ],
)
def test_tables_without_names_are_read(
    content: object, known: list[str] | None, names: list[str], record: dict[str, object]
) -> None:
    table = Table(content, known)

    assert table.names == names
    assert table.records([1]) == [record]
    assert len(table.features()) == len(names)


def test_the_keys_that_a_dictionary_may_lack_are_known() -> None:
    assert Table([{"a": 1, "b": 2}, {"b": 1}], None).absent_names() == ["a"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("text", "X is a str, and no table", id="a text"),
        pytest.param([], "X has no rows", id="no rows"),
        pytest.param(pd.DataFrame({"a": [dt.timedelta(1)]}), "the column a holds ", id="durations"),
    ],
)
def test_what_is_no_table_is_an_error(content: object, message: str) -> None:
    with pytest.raises(SaveFailed, match=message):
        Table(content, None).records([0])
