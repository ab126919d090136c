"""Talks to a running service over HTTP."""

from __future__ import annotations

import http.client
import json
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infer_cli.errors import PredictionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_READY_TIMEOUT_S = 2.0
_PREDICT_TIMEOUT_S = 300.0
_OK = 200
_BUSY = 503
# A service that takes on no more says when to ask again; one that says so for as long is not asked again.
_BUSY_FOR_S = 60.0
_LONGEST_PAUSE_S = 5.0
_SHOWN_PROBLEMS = 20


@dataclass(frozen=True)
class ServedFeature:
    """A feature of the served model: the type of its values, and whether they may be missing.

    `type` is that of the values also for categories; `takes_empty` tells that an empty text is a value,
    `required` that a row without it is refused.
    """

    type: str = "number"
    takes_empty: bool = False
    required: bool = True

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> ServedFeature:
        """Read what `/model` says of one."""
        kind, categories = str(record["type"]), record.get("categories") or [""]
        if kind == "category":
            kind = "text" if isinstance(categories[0], str) else "number"
        is_free_text = record["type"] == "text" and not record.get("nullable", False)
        return cls(
            kind,
            is_free_text or "" in record.get("categories", ()),
            required=bool(record.get("required", True)),
        )


@dataclass(frozen=True)
class ServedModel:
    """What `/model` says: the features in order with their types, and a request that works."""

    kind: str
    features: dict[str, ServedFeature]
    example: str
    record: dict[str, Any]


@dataclass(frozen=True)
class Predictions:
    """Answers for rows, in their order.

    Where the model has `probabilities`, they are by class, or a list of such for a model of several outputs.
    """

    predictions: list[Any]
    probabilities: list[Any] | None


class ServiceClient:
    """A connection to the service at `url`, kept open between requests."""

    def __init__(self, url: str) -> None:
        self.url = url
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "localhost", parts.port or 80
        self._connection: http.client.HTTPConnection | None = None

    def is_ready(self) -> bool:
        """Whether the service can predict now; never raises for one that does not answer."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_READY_TIMEOUT_S)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == _OK
        except (OSError, http.client.HTTPException):
            # A published port accepts connections before anything listens behind it.
            return False
        finally:
            connection.close()

    def model(self) -> ServedModel:
        """What is served; raises `PredictionFailed` if the service does not say."""
        record = self._request("GET", "/model")
        return ServedModel(
            kind=str(record["kind"]),
            features={str(feature["name"]): ServedFeature.of(feature) for feature in record["features"]},
            example=str(record["example"]),
            record=record,
        )

    def predict(self, rows: Sequence[Mapping[str, object]], *, first_row: int | None = None) -> Predictions:
        """Predictions for `rows`; raises `PredictionFailed` naming every wrong field.

        The number of the first row, if given, is that which errors count from.
        """
        body = json.dumps({"rows": [_json_row(row) for row in rows]}, default=str)
        record = self._request("POST", "/prediction", body.encode(), first_row=first_row)
        return Predictions(record["predictions"], record.get("probabilities"))

    def _request(
        self, method: str, path: str, body: bytes | None = None, *, first_row: int | None = None
    ) -> dict[str, Any]:
        try:
            status, content = self._when_free(method, path, body)
            record = json.loads(content)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            message = (
                f"the service at {self.url} did not answer {method} {path}: {error or type(error).__name__}"
            )
            raise PredictionFailed(message, hint="see what it says: `infer logs`") from error
        if status != _OK:
            raise _refused(path, status, record, first_row=first_row)
        return dict(record)

    def _when_free(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        """Ask until the service is not too busy, as often as it says."""
        end = time.monotonic() + _BUSY_FOR_S
        while True:
            status, content, retry_after = self._exchange(method, path, body)
            if status != _BUSY or not retry_after.isdecimal() or time.monotonic() >= end:
                return status, content
            time.sleep(min(int(retry_after), _LONGEST_PAUSE_S))

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes, str]:
        """Its status, its body, and what it says of when to ask again."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self._connection is not None:
            try:
                return self._send(self._connection, method, path, body, headers)
            except (ConnectionError, http.client.RemoteDisconnected):
                # The service may close a connection that was idle; a prediction can be asked again.
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
    """A row as JSON can hold it: what a table calls NaN is a missing value."""
    return {name: None if _is_nan(value) else value for name, value in row.items()}


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _refused(path: str, status: int, record: Mapping[str, Any], *, first_row: int | None) -> PredictionFailed:
    """Put the service's refusal in words; rows are counted from `first_row`, or not named if that is None."""
    error = record.get("error") or {}
    details = error.get("details")
    problems = details.get("fields") if isinstance(details, dict) else details
    if not isinstance(problems, list) or not problems:
        return PredictionFailed(
            f"the service refused {path} ({status}): {error.get('message', 'no reason given')}",
            hint="see what it says: `infer logs`",
        )
    lines = [_problem_line(problem, first_row) for problem in problems]
    count = max(len(lines), int(details.get("count") or 0)) if isinstance(details, dict) else len(lines)
    shown = lines[:_SHOWN_PROBLEMS]
    if count > len(shown):
        shown.append(f"  … and {count - len(shown)} more")
    return PredictionFailed(
        "one value is wrong" if count == 1 else f"{count} values are wrong",
        detail="\n".join(shown),
        hint="what the model takes: `curl URL/model`, with the URL that `infer ps` shows",
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
