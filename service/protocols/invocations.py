"""The path `/invocations` of MLflow and of SageMaker, which agree on the path and on little else.

MLflow's page on its inference server has the keys of its JSON; SageMaker's inference toolkit
(`content_types.py`, `decoder.py`, `encoder.py`) has the media types. The body tells what a client means.
"""

from __future__ import annotations

import csv
import io
import re
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from service.errors import InvalidInput, LengthRequired, WrongContentType
from service.json_values import encode
from service.native.library import FLAT, LISTS, OBJECTS
from service.prediction.exchange import JSON, Answer, Asked, Resource, constant
from service.protocols.json_tables import answer_json, by_row
from service.protocols.npy import read_npy
from service.protocols.number_tables import EACH
from service.protocols.one_row import OneRow
from service.protocols.outputs import Outputs
from service.protocols.payload import decode, decode_numbers
from service.protocols.row_checks import RowChecks, json_type_of, shortened
from service.protocols.tables import TableReader
from service.protocols.value_checks import value_of_string
from service.schema.features import EXACT_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from service.json_values import JsonValue
    from service.native.library import Array
    from service.prediction.predictor import Predictor
    from service.protocols.number_tables import NumberTables, Places
    from service.protocols.outputs import Results
    from service.schema.features import Rows

PATH = "/invocations"
PROTOCOL = "invocations"
CSV, NPY, LINES = "text/csv", "application/x-npy", "application/jsonlines"
TEXT = "text/plain; charset=utf-8"
PARAMETERS_PATH = "/execution-parameters"
# How many requests of a batch transform SageMaker shall send at once.
CONCURRENT = 4
# The keys of MLflow's JSON, and the one that Azure's servers for MLflow take.
KEYS = ("dataframe_split", "dataframe_records", "instances", "inputs", "input_data")
# The keys of a list of rows.
_ROWS = ("instances", "inputs", "dataframe_records", "input_data")
# Names that Python reads as numbers.
_NUMBERS = ("nan", "inf", "infinity")
_LINE = re.compile(rb"[^\r\n]+")
# Where a body has tables.
PLACES: Places = {
    (): (LISTS, OBJECTS),
    ("data",): (LISTS,),
    **{(key,): (LISTS, OBJECTS) for key in KEYS if key != "dataframe_split"},
    **{(key, "data"): (LISTS,) for key in ("dataframe_split", "input_data")},
    **{(key, EACH): (FLAT,) for key in ("instances", "inputs")},
}


class Invocations:
    """Answers the path for one model."""

    def __init__(self, predictor: Predictor, *, version: str, max_body_bytes: int) -> None:
        self._outputs = Outputs(predictor)
        self._reader = TableReader(predictor)
        self._row = OneRow(predictor)
        # Any other name is written with quotes, or may be a number: whether a line is a heading then is no
        # question of its bytes alone.
        is_plain = all(name.isidentifier() and name.lower() not in _NUMBERS for name in self._reader.names)
        self._heading = (",".join(self._reader.names) + "\n").encode() if is_plain else None
        self._version = version
        self._max_body_bytes = max_body_bytes

    def resources(self) -> dict[str, Resource]:
        """Give what stands at each path."""
        # What SageMaker asks before a batch transform, in its own words.
        batches: JsonValue = {
            "MaxConcurrentTransforms": CONCURRENT,
            "BatchStrategy": "MULTI_RECORD",
            "MaxPayloadInMB": max(1, self._max_body_bytes // 2**20),
        }
        plain = {"/ping": "\n", "/health": "\n", "/version": self._version}
        found = {
            path: constant(path, PROTOCOL, Answer(text.encode(), 0, TEXT)) for path, text in plain.items()
        }
        found[PARAMETERS_PATH] = constant(PARAMETERS_PATH, PROTOCOL, answer_json(batches))
        found[PATH] = Resource(PATH, PROTOCOL, {"POST": self.invoke}, predicts=True)
        return found

    def invoke(self, asked: Asked) -> Answer:
        """Answer rows of any of the media types; raise `InvalidInput` for what cannot be answered."""
        content_type = asked.content_type or JSON
        if content_type in (JSON, CSV):
            usual = self._usual(asked, content_type)
            if usual is not None:
                return usual
        read = READERS.get(content_type)
        if read is None:
            listed = ", ".join(READERS)
            raise WrongContentType(f"{PATH} takes {listed}, and not {shortened(content_type)}.")
        has_end = not asked.header("transfer-encoding") or asked.header("content-encoding")
        if content_type in (CSV, LINES) and not has_end:
            raise LengthRequired(content_type)
        checks = RowChecks(self._reader.rules)
        chosen = self._outputs.of_query(asked.query)
        is_keyed, rows, method = read(self, asked.body, checks)
        chosen = chosen or (self._outputs.chosen([method]) if method else [self._outputs.main])
        results = self._outputs.ask(rows, chosen, is_empty=not len(rows))
        return self._write(asked, results, checks, len(rows), content_type, is_keyed=is_keyed)

    def _usual(self, asked: Asked, content_type: str) -> Answer | None:
        """Answer one row of numbers in JSON or CSV, if nothing else is asked; None for any other request."""
        is_other = asked.query or asked.header("accept") not in ("", "*/*", JSON)
        if is_other or not self._row.may_be(asked.body):
            return None
        row, form = self._row_of_csv(asked) if content_type == CSV else self._row_of_json(asked.body)
        prediction = self._row.prediction(row)
        return None if prediction is None else Answer(form % prediction, 1)

    def _row_of_json(self, body: bytes) -> tuple[object, bytes]:
        """Give the only row in a body, and the form of its answer; the row is None if it is another body."""
        document = decode_numbers(body, self._reader.rules)
        rows, form = document, b"[%s]\n"
        if isinstance(document, dict) and len(document) == 1:
            [(key, rows)] = document.items()
            form = b'{"predictions":[%s]}\n'
            if (
                key == "dataframe_split"
                and isinstance(rows, dict)
                and rows.get("columns") == self._reader.names
            ):
                rows = rows.get("data")
            elif key not in _ROWS:
                return None, form
        row = rows[0] if isinstance(rows, list) and len(rows) == 1 else None
        if isinstance(row, dict):
            row = [row.get(name) for name in self._reader.names] if len(row) == self._row.width else None
        return row, form

    def _row_of_csv(self, asked: Asked) -> tuple[object, bytes]:
        """Give the only line of numbers below the names of the features, in their order, or alone."""
        tables = self._reader.tables
        if tables is None or self._heading is None or asked.header("transfer-encoding"):
            return None, b""
        is_headed = asked.body.startswith(self._heading)
        rows = tables.read_csv(asked.body[len(self._heading) :] if is_headed else asked.body)
        row = rows[0].tolist() if rows is not None and len(rows) == 1 else None
        return row, b'{"predictions":[%s]}\n' if is_headed else b"[%s]\n"

    def _write(
        self, asked: Asked, results: Results, checks: RowChecks, rows: int, given: str, *, is_keyed: bool
    ) -> Answer:
        accepted = _accepted(asked.header("accept"), given)
        if accepted == CSV:
            return Answer(_csv(results), rows, f"{CSV}; charset=utf-8")
        if accepted == NPY:
            return Answer(_npy(results), rows, NPY)
        if accepted == LINES:
            return Answer(b"".join(map(encode, by_row(results))), rows, LINES)
        listed = by_row(results)
        return answer_json({"predictions": listed} if is_keyed else listed, checks, rows)

    def read_json(self, body: bytes, checks: RowChecks) -> tuple[bool, Rows, str]:
        """Read a bare list of rows, or an object with one of the keys and perhaps MLflow's `params`."""
        document = self._reader.decode(body, PLACES)
        if isinstance(document, (list, np.ndarray)):
            return False, self._reader.of_rows(document, checks), ""
        if not isinstance(document, dict):
            found = json_type_of(document)
            raise InvalidInput(f"The body must be a list of rows or an object; it is {found}")
        if {"columns", "data"} <= set(document) <= {"columns", "data", "index"}:
            # What clients of MLflow 1 send, with "format=pandas-split" in the content type.
            return True, self._keyed("dataframe_split", document, checks), ""
        given = [key for key in KEYS if key in document]
        if len(given) != 1:
            raise InvalidInput(f"The body must have exactly one of {', '.join(KEYS)}")
        params = document.get("params") or {}
        method = params.get("predict_method", "") if isinstance(params, dict) else ""
        return True, self._keyed(given[0], document[given[0]], checks), str(method)

    def read_csv(self, body: bytes, checks: RowChecks) -> tuple[bool, Rows, str]:
        """Read CSV: its first line is a heading if its cells are the names of the features."""
        try:
            if self._reader.tables and (found := self._numbers_of_csv(body, self._reader.tables, checks)):
                return found
            text = io.StringIO(body.decode("utf-8-sig"), newline="")
            return self._read_lines(filter(None, csv.reader(text, strict=True)), checks)
        except (UnicodeDecodeError, csv.Error) as error:
            raise InvalidInput(f"The body is no CSV in UTF-8: {error}") from None

    def _numbers_of_csv(
        self, body: bytes, tables: NumberTables, checks: RowChecks
    ) -> tuple[bool, Rows, str] | None:
        """Read a CSV of numbers alone in C; None for any other one, and for one that may be wrong."""
        first = _LINE.match(body)
        try:
            cells = next(csv.reader([first[0].decode("utf-8-sig")], strict=True), []) if first else []
        except (UnicodeDecodeError, csv.Error):
            # A cell in quotes may go on in the next line.
            return None
        heading = [cell.strip() for cell in cells]
        is_headed = sorted(heading) == sorted(self._reader.names)
        if first is None or not (is_headed or self._reader.rules.known.isdisjoint(heading)):
            return None
        rows = tables.read_csv(body[first.end() :] if is_headed else body)
        if rows is None:
            return None
        return is_headed, self._reader.of_lists(rows, checks, heading if is_headed else ()), ""

    def _read_lines(self, lines: Iterator[list[str]], checks: RowChecks) -> tuple[bool, Rows, str]:
        """Read lines one at a time, because a body may have a million that are wrong."""
        names: Sequence[str] = self._reader.names
        head = next(lines, [])
        first = [cell.strip() for cell in head]
        is_headed = sorted(first) == sorted(names)
        if is_headed:
            names = first
        elif named := [cell for cell in first if cell in names]:
            # As a row of values, a heading with a wrong name would get a prediction.
            heading = f"the first line names {shortened(named[0])}, so it is a heading, but not one of"
            raise InvalidInput(f"{heading} the model's columns alone: {self._reader.expected()}")
        by_name = self._reader.rules.checks
        rows = []
        for at, line in enumerate(lines if is_headed or not head else chain([head], lines)):
            self._reader.rules.limit.check(at + 1)
            if len(line) != len(names):
                found = f"row {at} has {len(line)} cells, and the model takes {len(names)} columns"
                raise InvalidInput(f"{found}: {self._reader.expected()}")
            rows.append({name: value_of_string(by_name[name][0], cell) for name, cell in zip(names, line)})
        return is_headed, self._reader.of_objects(rows, checks) if rows else [], ""

    def read_npy(self, body: bytes, checks: RowChecks) -> tuple[bool, Rows, str]:
        """Read an array of NumPy's own format; one of objects, which would be a pickle, is refused."""
        array = read_npy(body)
        return False, self._reader.of_matrix(array, checks) if array.size else [], ""

    def read_lines(self, body: bytes, checks: RowChecks) -> tuple[bool, Rows, str]:
        """Read JSON Lines: a list or an object in each line."""
        rows: list[object] = []
        for at, line in enumerate(filter(bytes.strip, body.splitlines())):
            self._reader.rules.limit.check(at + 1)
            row = decode(line, self._reader.rules)
            if not isinstance(row, (dict, list)):
                raise InvalidInput(f"row {at} must be a list or an object; it is {json_type_of(row)}")
            if isinstance(row, list) and len(row) != len(self._reader.names):
                self._reader.of_lists([row], checks)
            rows.append(row)
        return False, self._reader.of_rows(rows, checks), ""

    def _keyed(self, key: str, value: object, checks: RowChecks) -> Rows:
        if key in ("dataframe_split", "input_data") and isinstance(value, dict):
            data = value.get("data")
            columns = value.get("columns", [])
            if not isinstance(data, (list, np.ndarray)) or not isinstance(columns, list):
                raise InvalidInput(f"{key} must have data, and may have columns: lists")
            return self._reader.of_lists(data, checks, _names(key, columns)) if len(data) else []
        if isinstance(value, dict) and key in ("inputs", "instances"):
            return self._reader.of_columns(_columns(value), checks) if value else []
        if isinstance(value, (list, np.ndarray)) and key != "dataframe_split":
            return self._reader.of_rows(value, checks)
        raise InvalidInput(f"{key} cannot be {json_type_of(value)}")


READERS = {
    JSON: Invocations.read_json,
    CSV: Invocations.read_csv,
    NPY: Invocations.read_npy,
    LINES: Invocations.read_lines,
}


def _names(key: str, columns: Sequence[object]) -> list[str]:
    """Read the names of columns; pandas also names columns by whole numbers."""
    for one in columns:
        if not isinstance(one, str) and not (type(one) is int and abs(one) <= EXACT_MAX):
            found = json_type_of(one)
            raise InvalidInput(f"{key} must have names in columns, which are strings; one is {found}")
    return [*map(str, columns)]


def _columns(value: Mapping[str, object]) -> dict[str, list[object] | Array]:
    """Read columns by name; a column may be a list of rows of one element."""
    found: dict[str, list[object] | Array] = {}
    for name, column in value.items():
        if isinstance(column, np.ndarray):
            found[name] = column
            continue
        if not isinstance(column, list):
            raise InvalidInput(f"the column {shortened(name)} must be a list; it is {json_type_of(column)}")
        found[name] = [one[0] if isinstance(one, list) and len(one) == 1 else one for one in column]
    return found


def _accepted(header: str, given: str) -> str:
    """Choose the media type of the answer: the first in `Accept` that can be written, or as the request's."""
    for part in header.split(","):
        name = part.partition(";")[0].strip().lower()
        if name in READERS:
            return name
        if name == "*/*":
            break
    # MLflow answers CSV with JSON, and so do the tools that were made for it.
    return JSON if given == CSV else given


def _csv(results: Results) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in zip(*results.values()):
        cells = (one for value in row for one in (value if isinstance(value, list) else [value]))
        writer.writerow(map(_cell, cells))
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: JsonValue) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _npy(results: Results) -> bytes:
    if len(results) != 1:
        raise InvalidInput("an array holds one output: choose one with ?output=")
    array = np.array(next(iter(results.values())))
    if array.dtype.hasobject:
        raise InvalidInput("this output is no array of numbers or texts: ask for it as application/json")
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()
