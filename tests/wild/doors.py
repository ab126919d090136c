"""The ways by which rows come to a service: each takes JSON rows, and gives an answer for each row.

The service is the real one, without a socket between.
"""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from infer_cli.client.bulk import BulkOptions, predict_file
from infer_cli.client.service_client import ServiceClient

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from werkzeug.test import Client

# Parsed JSON: a test knows what is in it.
Json = Any
Row = dict[str, Json]


@dataclass(frozen=True)
class Answer:
    """The answer to one row; `probabilities` is None where a door tells none."""

    prediction: Json
    probabilities: Json = None


class Refused(Exception):
    """The service refused the rows; the arguments are the status and the error."""


def ask(client: Client, path: str, body: Json = None) -> Json:
    """Ask the service; raise `Refused` unless the status is 200."""
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} if content is not None else {}
    answer = client.open(path, method="GET" if body is None else "POST", data=content, headers=headers)
    record = json.loads(answer.data)
    if answer.status_code != 200:
        raise Refused(answer.status_code, record["error"])
    return record


def together(client: Client, rows: Sequence[Row], _: Path) -> list[Answer]:
    record = ask(client, "/prediction", {"rows": list(rows)})
    probabilities = record.get("probabilities") or [None] * len(rows)
    return [Answer(*pair) for pair in zip(record["predictions"], probabilities, strict=True)]


def alone(client: Client, rows: Sequence[Row], folder: Path) -> list[Answer]:
    return [together(client, [row], folder)[0] for row in rows]


def query(client: Client, rows: Sequence[Row], _: Path) -> list[Answer]:
    answers = []
    for row in rows:
        record = ask(client, "/prediction?" + urlencode({name: _word(value) for name, value in row.items()}))
        answers.append(Answer(record["prediction"], record.get("probabilities")))
    return answers


def _word(value: Json) -> str:
    """Write a value as in a query or a cell."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class LocalClient(ServiceClient):
    """The command line's client, which calls the service without a socket."""

    def __init__(self, client: Client) -> None:
        super().__init__("http://localhost:1")
        self._client = client

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes, str]:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        answer = self._client.open(path, method=method, data=body, headers=headers)
        return answer.status_code, answer.data, ""


def csv_file(client: Client, rows: Sequence[Row], folder: Path) -> list[Answer]:
    return _file(client, rows, write_csv(rows, folder / "rows.csv"))


def json_lines(client: Client, rows: Sequence[Row], folder: Path) -> list[Answer]:
    source = folder / "rows.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return _file(client, rows, source)


def parquet_file(client: Client, rows: Sequence[Row], folder: Path) -> list[Answer]:
    source = folder / "rows.parquet"
    parquet.write_table(pa.Table.from_pylist(list(rows)), source)
    return _file(client, rows, source)


def write_csv(rows: Sequence[Row], path: Path, headings: Sequence[str] | None = None) -> Path:
    """Write a CSV of the rows, with other headings if they are given."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headings or list(rows[0]))
        # As pandas writes booleans.
        writer.writerows(
            [str(value) if isinstance(value, bool) else value for value in row.values()] for row in rows
        )
    return path


def _file(client: Client, rows: Sequence[Row], source: Path) -> list[Answer]:
    target = source.with_suffix(".answers.jsonl")
    predict_file(
        [LocalClient(client)],
        source,
        target,
        standard_output=io.StringIO(),
        on_rows=lambda *_: None,
        options=BulkOptions(batch_rows=4, strict=True),
    )
    answers = []
    for line, row in zip(target.read_text(encoding="utf-8").splitlines(), rows, strict=True):
        record = json.loads(line)
        for name, value in row.items():
            assert is_same(record[name], value) or (value is None and record[name] in (None, "")), name
        added = {name: value for name, value in record.items() if name not in row}
        answers.append(Answer(next(value for name, value in added.items() if name.startswith("prediction"))))
    return answers


DOORS: dict[str, Callable[[Client, Sequence[Row], Path], list[Answer]]] = {
    "together": together,
    "alone": alone,
    "query": query,
    "csv": csv_file,
    "jsonl": json_lines,
    "parquet": parquet_file,
}


def rows_of(table: Json) -> list[Row]:
    """Give the rows of a table, array or list as JSON."""
    if isinstance(table, pd.DataFrame):
        return [
            {str(name): plain(value) for name, value in row.items()}
            for row in table.astype(object).to_dict("records")
        ]
    if isinstance(table, np.ndarray):
        return [{f"x{at}": plain(value) for at, value in enumerate(row)} for row in table]
    return [row if isinstance(row, dict) else {"x0": row} for row in table]


def plain(value: Json) -> Json:
    """Give a value of NumPy or pandas in JSON's types; a missing value is None."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    return value.isoformat() if isinstance(value, pd.Timestamp) else value


def is_same(given: Json, right: Json) -> bool:
    """Tell whether two values are the same, but for the last digits of a number."""
    if isinstance(given, dict):
        given = list(given.values())
    if isinstance(right, dict):
        right = list(right.values())
    if isinstance(given, list) and isinstance(right, list):
        return len(given) == len(right) and all(map(is_same, given, right))
    if isinstance(given, bool) or isinstance(right, bool) or isinstance(given, str) or isinstance(right, str):
        return str(given) == str(right)
    if given is None or right is None:
        # JSON has no infinity and no NaN.
        return all(value is None or not math.isfinite(value) for value in (given, right))
    if isinstance(given, int) and isinstance(right, int):
        return given == right
    return math.isclose(given, right, rel_tol=1e-9, abs_tol=1e-9)
