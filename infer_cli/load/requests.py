"""The requests of a load, made before it begins: of a file of rows, or of the service's own example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from infer_cli.client.cells import typed_row
from infer_cli.client.columns import Columns
from infer_cli.client.row_files import read_table
from infer_cli.client.service_client import PREDICTION_PATH, prediction_body, token_header
from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from infer_cli.client.rows import Row
    from infer_cli.client.served_model import ServedModel

# So many different requests, or as many as fit this memory, take turns.
_MOST_REQUESTS = 1000
_MOST_BYTES = 16_000_000


@dataclass(frozen=True)
class PreparedRequest:
    """The bytes of a request, and the rows in it."""

    content: bytes
    rows: tuple[Row, ...]


def prepare_requests(
    model: ServedModel,
    url: str,
    source: Path | None,
    *,
    rows_each: int,
    missing_columns: Collection[str] = (),
    token: str | None = None,
) -> tuple[PreparedRequest, ...]:
    """Requests of `rows_each` rows from a file, or from the example of the service without one.

    Of a long file, the first rows are taken. The last request is filled with rows from the start, so that all
    have the same size. Raises `InferError` for a file that does not fit the model, or has no rows.
    """
    if source is None:
        return (_request(url, [_example_row(model)] * rows_each, token),)
    prepared: list[PreparedRequest] = []
    first: list[Row] = []
    waiting: list[Row] = []
    size = 0
    for row in _rows_of(model, source, missing_columns):
        if len(first) < rows_each:
            first.append(row)
        waiting.append(row)
        if len(waiting) == rows_each:
            prepared.append(_request(url, waiting, token))
            size += len(prepared[-1].content)
            waiting = []
            if len(prepared) == _MOST_REQUESTS or size > _MOST_BYTES:
                return tuple(prepared)
    if not first:
        raise InferError(f"{source} has no rows", hint="its first line names the columns; put rows below it")
    if waiting:
        while len(waiting) < rows_each:
            waiting += first[: rows_each - len(waiting)]
        prepared.append(_request(url, waiting, token))
    return tuple(prepared)


def _rows_of(model: ServedModel, source: Path, missing_columns: Collection[str]) -> Iterator[Row]:
    columns = Columns(model.features, missing_columns, is_positional=model.is_positional)
    for _, rows in read_table(source, model.named, batch_rows=1000):
        for row in rows:
            yield columns.known(row, str(source))


def _example_row(model: ServedModel) -> Row:
    """The row of the request that the service gives as an example."""
    if model.example_body is not None:
        return dict(model.example_body)
    cells = dict(parse_qsl(urlsplit(model.example).query, keep_blank_values=True))
    return typed_row(cells, model.named)


def _request(url: str, rows: Sequence[Row], token: str | None) -> PreparedRequest:
    body = prediction_body(rows)
    head = (
        f"POST {PREDICTION_PATH} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    head += "".join(f"{name}: {value}\r\n" for name, value in token_header(token).items()) + "\r\n"
    return PreparedRequest(head.encode() + body, tuple(rows))
