"""Talks to a running service over HTTP."""

from __future__ import annotations

import http.client
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infer_cli.errors import PredictionFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_READY_TIMEOUT_S = 2.0
_PREDICT_TIMEOUT_S = 300.0
_OK = 200
_SHOWN_PROBLEMS = 20


@dataclass(frozen=True)
class ServedFeature:
    """A feature of the served model: the type of its values, and whether they may be missing.

    `type` is that of the values also for categories; `takes_empty` tells that an empty text is a value.
    """

    type: str = "number"
    takes_empty: bool = False

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> ServedFeature:
        """Read what `/model` says of one."""
        kind, categories = str(record["type"]), record.get("categories") or [""]
        if kind == "category":
            kind = "text" if isinstance(categories[0], str) else "number"
        is_free_text = record["type"] == "text" and not record.get("nullable", False)
        return cls(kind, is_free_text or "" in record.get("categories", ()))


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

    def predict(self, rows: Sequence[Mapping[str, object]]) -> Predictions:
        """Predictions for `rows`; raises `PredictionFailed` naming every wrong field."""
        body = json.dumps({"rows": [_json_row(row) for row in rows]}, default=str)
        record = self._request("POST", "/prediction", body.encode())
        return Predictions(record["predictions"], record.get("probabilities"))

    def _request(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        try:
            status, content = self._exchange(method, path, body)
            record = json.loads(content)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            message = (
                f"the service at {self.url} did not answer {method} {path}: {error or type(error).__name__}"
            )
            raise PredictionFailed(message, hint="see what it says: `infer logs`") from error
        if status != _OK:
            raise _refused(path, status, record)
        return dict(record)

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
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
    ) -> tuple[int, bytes]:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()

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


def _refused(path: str, status: int, record: Mapping[str, Any]) -> PredictionFailed:
    error = record.get("error") or {}
    details = error.get("details")
    problems = details.get("fields") if isinstance(details, dict) else details
    lines = [_problem_line(problem) for problem in problems] if isinstance(problems, list) else []
    if len(lines) > _SHOWN_PROBLEMS:
        lines[_SHOWN_PROBLEMS:] = [f"  … and {len(lines) - _SHOWN_PROBLEMS} more"]
    return PredictionFailed(
        f"the service refused the request ({status}): {error.get('message', 'no reason given')}",
        detail="\n".join(lines) or None,
        hint=None if path == "/model" else "`infer predict --help` shows how values are given",
    )


def _problem_line(problem: object) -> str:
    if not isinstance(problem, dict):
        return f"  {problem}"
    return f"  {problem.get('message') or problem}"
