"""The HTTP client of a running service."""

from __future__ import annotations

import http.client
import json
import math
import time
from typing import TYPE_CHECKING, TypedDict, cast
from urllib.parse import urlsplit

from infer_cli.client.predictions import Predictions, is_cut_short
from infer_cli.client.served_model import ServedModel
from infer_cli.errors import PredictionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infer_cli.client.predictions import PredictionRecord
    from infer_cli.client.served_model import ModelRecord

_READY_TIMEOUT_S = 2.0
_PREDICT_TIMEOUT_S = 300.0
_OK = 200
_REFUSED_BY_MODEL = 422
_BUSY = 503
# A busy service answers 503 with `Retry-After`. A request is sent again for 60 s, at least every 5 s.
_BUSY_FOR_S = 60.0
_LONGEST_PAUSE_S = 5.0
_SHOWN_PROBLEMS = 20
_READ_THE_LOG = "see what it says: `infer logs`"


class ServiceClient:
    """A connection to the service at `url`, kept open between requests."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "localhost", parts.port or 80
        self._connection: http.client.HTTPConnection | None = None

    def is_ready(self) -> bool:
        """Whether the service can predict now; False, not an error, if nothing answers."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_READY_TIMEOUT_S)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == _OK
        except (OSError, http.client.HTTPException):
            # The engine accepts connections at a published port before the service listens behind it.
            return False
        finally:
            connection.close()

    def model(self) -> ServedModel:
        """The model that is served; raises `PredictionFailed` if the service does not answer."""
        return ServedModel.of(cast("ModelRecord", self._request("GET", "/model")))

    def predict(self, rows: Sequence[Mapping[str, object]], *, first_row: int | None = None) -> Predictions:
        """Predict `rows`; raises `PredictionFailed`, which names every wrong field.

        With `first_row`, the number of the first of the rows in their file, the error also names the rows.
        """
        body = json.dumps({"rows": [_json_row(row) for row in rows]}, default=str)
        answer = self._request("POST", "/prediction", body.encode(), first_row=first_row)
        record = cast("PredictionRecord", answer)
        half = len(rows) // 2
        if half and is_cut_short(record):
            # Fewer rows have fewer remarks: none is lost.
            start = self.predict(rows[:half], first_row=first_row)
            rest = self.predict(rows[half:], first_row=None if first_row is None else first_row + half)
            return start.followed_by(rest)
        return Predictions.of(record)

    def _request(
        self, method: str, path: str, body: bytes | None = None, *, first_row: int | None = None
    ) -> object:
        """The JSON of an answer; raises `PredictionFailed` if there is none or it is an error."""
        try:
            status, content = self._retry_while_busy(method, path, body)
            answer: object = json.loads(content)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            message = (
                f"the service at {self.url} did not answer {method} {path}: {error or type(error).__name__}"
            )
            raise PredictionFailed(message, hint=_READ_THE_LOG) from error
        if status != _OK:
            raise _refused(self.url, path, status, cast("_ErrorRecord", answer), first_row=first_row)
        return answer

    def _retry_while_busy(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        """The status and the body of an answer; a busy service is asked again after its `Retry-After`."""
        end = time.monotonic() + _BUSY_FOR_S
        while True:
            status, content, retry_after = self._exchange(method, path, body)
            if status != _BUSY or not retry_after.isdecimal() or time.monotonic() >= end:
                return status, content
            time.sleep(min(int(retry_after), _LONGEST_PAUSE_S))

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes, str]:
        """The status, the body and the `Retry-After` header of one answer."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self._connection is not None:
            try:
                return self._send(self._connection, method, path, body, headers)
            except (ConnectionError, http.client.RemoteDisconnected):
                # The service may have closed an idle connection. A prediction can safely be sent twice.
                self.close()
        self._connection = http.client.HTTPConnection(self._host, self._port, timeout=_PREDICT_TIMEOUT_S)
        return self._send(self._connection, method, path, body, headers)

    @staticmethod
    def _send(
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
    ) -> tuple[int, bytes, str]:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("Retry-After", "")

    def close(self) -> None:
        """Close the connection; the next request opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _json_row(row: Mapping[str, object]) -> dict[str, object]:
    """A row as JSON can hold it: NaN, a missing value in a data frame, becomes null."""
    return {name: None if _is_nan(value) else value for name, value in row.items()}


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


class _ErrorDetails(TypedDict, total=False):
    """The `error` of a refusal."""

    message: str
    details: object


class _ErrorRecord(TypedDict, total=False):
    """A refusal; anything that answers at the port may have sent it, so that all parts may be missing."""

    error: _ErrorDetails


def _refused(
    url: str, path: str, status: int, record: _ErrorRecord, *, first_row: int | None
) -> PredictionFailed:
    """The error for a refusal; its lines name rows, counted from `first_row`, unless that is None."""
    error = record.get("error") or {}
    details = error.get("details")
    problems = details.get("fields") if isinstance(details, dict) else details
    if not isinstance(problems, list) or not problems:
        return PredictionFailed(
            f"the service refused {path} ({status}): {error.get('message', 'no reason given')}",
            hint=_READ_THE_LOG,
        )
    lines = [_problem_line(problem, first_row) for problem in problems]
    # The service lists no more than some of many problems, and counts them all.
    count = max(len(lines), int(details.get("count") or 0)) if isinstance(details, dict) else len(lines)
    shown = lines[:_SHOWN_PROBLEMS]
    if count > len(shown):
        shown.append(f"  … and {count - len(shown)} more")
    wrong = "one value is wrong" if count == 1 else f"{count} values are wrong"
    return PredictionFailed(
        "the model refuses a row" if status == _REFUSED_BY_MODEL else wrong,
        detail="\n".join(shown),
        hint=f"what the model takes: `curl {url}/model`",
    )


def _problem_line(problem: object, first_row: int | None) -> str:
    if not isinstance(problem, dict):
        return f"  {problem}"
    message = str(problem.get("message") or problem)
    row = problem.get("row")
    if isinstance(row, int):
        message = message.removeprefix(f"row {row}: ")
        if first_row is not None:
            message = f"row {first_row + row}: {message}"
    return f"  {message}"
