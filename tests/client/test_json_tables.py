from __future__ import annotations

import json

import pandas as pd
import pytest

from infer_cli.client.json_tables import rows_of_table

FRAME = pd.DataFrame({"age": [1, 2], "sex": ["m", "f"]})
ROWS = [{"age": 1, "sex": "m"}, {"age": 2, "sex": "f"}]


@pytest.mark.parametrize("orient", ["split", "columns", "index", "table"])
def test_the_orientations_of_pandas_are_read(orient: str) -> None:
    whole = json.loads(FRAME.to_json(orient=orient))

    rows = rows_of_table(whole)

    assert rows is not None
    assert [{name: row[name] for name in ("age", "sex")} for row in rows] == ROWS


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param({"dataframe_records": ROWS}, id="records for the server of MLflow"),
        pytest.param({"dataframe_split": FRAME.to_dict("split")}, id="split for the server of MLflow"),
        pytest.param({"inputs": FRAME.to_dict("list")}, id="inputs for the server of MLflow"),
        pytest.param({"instances": ROWS}, id="instances"),
        pytest.param(FRAME.to_dict("list"), id="lists"),
    ],
)
def test_the_bodies_of_other_servers_are_read(whole: dict[str, object]) -> None:
    assert rows_of_table(whole) == ROWS


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param({"age": 1, "sex": "m"}, id="a row"),
        pytest.param({}, id="nothing"),
        pytest.param({"age": [1, 2], "sex": ["m"]}, id="lists of different lengths"),
        pytest.param({"age": [1], "sex": "m"}, id="a list beside a value"),
        pytest.param({"0": {"0": 1}, "1": {"0": 2}}, id="numbers for rows and columns"),
        pytest.param({"age": {"a": 1}, "sex": {"a": "m"}}, id="no numbers at all"),
        pytest.param({"age": {"0": 1}, "sex": {"1": "m"}}, id="different rows"),
        pytest.param({"columns": ["a", "a"], "data": [[1, 2]]}, id="a column twice"),
        pytest.param({"columns": ["a"], "data": [[1, 2]]}, id="more values than columns"),
        pytest.param({"columns": 1, "data": 2}, id="features with the names of parts"),
    ],
)
def test_what_is_no_table_or_may_be_two_is_left(whole: dict[str, object]) -> None:
    assert rows_of_table(whole) is None
