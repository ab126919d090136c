"""The HTTP client of a running service."""

from __future__ import annotations

import http.client
import json
import math
import os
import re
import socket
import ssl
import time
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from infer_cli.client.connection import open_connection
from infer_cli.client.predictions import Predictions, is_cut_short
from infer_cli.client.refusals import BUSY, READ_THE_LOG, refused
from infer_cli.client.served_model import ServedModel
from infer_cli.errors import PredictionFailed, RunNotResumed, ServiceAway

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from infer_cli.client.predictions import PredictionRecord
    from infer_cli.client.refusals import ErrorRecord
    from infer_cli.client.served_model import ModelRecord

PREDICTION_PATH = "/prediction"
# The token for services of which infer has none.
BEARER_VARIABLE = "INFER_TOKEN"
# A prediction for which nobody waits any more need not be made: Envoy's name for the time, in milliseconds.
_DEADLINE = "X-Envoy-Expected-Rq-Timeout-Ms"
_READY_TIMEOUT_S = 2.0
_PREDICT_TIMEOUT_S = 300.0
_OK = 200
# A busy service answers 503 with `Retry-After`. A request is sent again for 60 s, at least every 5 s.
_BUSY_FOR_S = 60.0
_LONGEST_PAUSE_S = 5.0
_MODEL = "/model"
_WORKERS = re.compile(rb"^infer_workers (\d+)", re.MULTILINE)
_ENDED = "the command ends"
# One call encodes the rows of a request; making the encoder takes longer than encoding one row.
_encode = json.JSONEncoder(default=str).encode


class ServiceClient:
    """A connection to the service at `url`, kept open between requests.

    Without a `token`, that of the variable INFER_TOKEN is sent, if there is one. `known` is a file
    of certificates, one of which the service has.
    """

    def __init__(self, url: str, *, token: str | None = None, known: Path | None = None) -> None:
        self.url = url
        self.token = token or os.environ.get(BEARER_VARIABLE)
        self.known = known
        self._connection: http.client.HTTPConnection | None = None
        self._expected: ServedModel | None = None
        self._is_ended = False
        # How long a busy service is asked again.
        self.busy_for_s = _BUSY_FOR_S
        self.timeout_s = _PREDICT_TIMEOUT_S

    def another(self) -> ServiceClient:
        """A further connection to the same service."""
        return ServiceClient(self.url, token=self.token, known=self.known)

    def is_ready(self) -> bool:
        """Whether the service can predict now; False, not an error, if nothing answers."""
        connection = open_connection(self.url, timeout_s=_READY_TIMEOUT_S, known=self.known)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == _OK
        except (OSError, http.client.HTTPException):
            # The engine accepts connections at a published port before the service listens behind it.
            return False
        finally:
            connection.close()

    def refused_model(self) -> str | None:
        """Why the model that was to be served next is not; None if there is none, or nothing answers.

        Without a reason the service only says that it has one, in its log.
        """
        connection = open_connection(self.url, timeout_s=_READY_TIMEOUT_S, known=self.known)
        try:
            connection.request("GET", "/readyz")
            record = json.loads(connection.getresponse().read())
            found = record.get("reload")
            return None if found is None else str(found.get("reason") or "its log says why")
        except (OSError, http.client.HTTPException, ValueError, AttributeError):
            return None
        finally:
            connection.close()

    def model(self) -> ServedModel:
        """The model that is served; raises `PredictionFailed` if the service does not answer."""
        return ServedModel.of(cast("ModelRecord", self._request("GET", _MODEL)))

    def expect(self, model: ServedModel) -> None:
        """Let every new connection look first whether this model answers; another one is `RunNotResumed`.

        A service that was started again may serve another model on the same port.
        """
        self._expected = model

    @property
    def certified_names(self) -> tuple[str, ...]:
        """The names and addresses in the certificate of the open connection; none in plain HTTP."""
        sock = self._connection.sock if self._connection is not None else None
        found = sock.getpeercert() if isinstance(sock, ssl.SSLSocket) else None
        pairs = cast("Sequence[tuple[str, str]]", (found or {}).get("subjectAltName", ()))
        return tuple(value for _, value in pairs)

    def worker_count(self) -> int:
        """How many workers the service has; 1 if it does not say."""
        with suppress(OSError, http.client.HTTPException):
            status, content, _ = self._exchange("GET", "/metrics", None)
            if status == _OK and (found := _WORKERS.search(content)):
                return max(1, int(found[1]))
        return 1

    def predict(self, rows: Sequence[Mapping[str, object]], *, first_row: int | None = None) -> Predictions:
        """Predict `rows`; raises `PredictionFailed`, which names every wrong field.

        With `first_row`, the number of the first of the rows in their file, the error also names the rows.
        """
        answer = self._request("POST", PREDICTION_PATH, prediction_body(rows), first_row=first_row)
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
            status, content, retry_after = self._retry_while_busy(method, path, body)
            answer: object = json.loads(content)
        except ssl.SSLCertVerificationError as caught:
            self.close()
            raise distrusted(self.url, caught) from caught
        except (OSError, http.client.HTTPException, ValueError) as caught:
            self.close()
            reason = str(caught) or type(caught).__name__
            message = f"the service at {self.url} did not answer {method} {path}: {reason}"
            raise ServiceAway(message, hint=READ_THE_LOG) from caught
        if status != _OK:
            error = refused(self.url, path, status, cast("ErrorRecord", answer), first_row=first_row)
            if isinstance(error, ServiceAway) and retry_after.isdecimal():
                error.retry_after_s = float(retry_after)
            raise error
        return answer

    def _retry_while_busy(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes, str]:
        """The parts of an answer; a busy service is asked again after its `Retry-After`."""
        end = time.monotonic() + self.busy_for_s
        while True:
            status, content, retry_after = self._exchange(method, path, body)
            if status != BUSY or not retry_after.isdecimal() or time.monotonic() >= end:
                return status, content, retry_after
            time.sleep(min(int(retry_after), _LONGEST_PAUSE_S))

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes, str]:
        """The status, the body and the `Retry-After` header of one answer."""
        headers = token_header(self.token)
        if body is not None:
            headers[_DEADLINE] = str(round(1000 * self.timeout_s))
            headers["Content-Type"] = "application/json"
        # Where an answer says that it is the last one, its connection has no socket any more.
        if self._connection is not None and self._connection.sock is not None:
            try:
                return self._send(self._connection, method, path, body, headers)
            except (ConnectionError, ssl.SSLError, http.client.RemoteDisconnected):
                # The service may have closed an idle connection. A prediction can safely be sent twice.
                self.close()
        connection = self._connection = open_connection(self.url, timeout_s=self.timeout_s, known=self.known)
        if self._is_ended:
            raise ConnectionAbortedError(_ENDED)
        if self._expected is not None and path != _MODEL:
            self._check_model(connection, self._expected)
        return self._send(connection, method, path, body, headers)

    def _check_model(self, connection: http.client.HTTPConnection, expected: ServedModel) -> None:
        """Raise `RunNotResumed` if another model answers through a new connection."""
        status, content, _ = self._send(connection, "GET", _MODEL, None, token_header(self.token))
        if status != _OK:
            raise http.client.HTTPException(f"status {status} for {_MODEL}")
        found = ServedModel.of(json.loads(content))
        if found.fingerprint != expected.fingerprint:
            self.close()
            raise changed_model(expected.digest, found.digest)

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

    def end(self) -> None:
        """Let a request in another thread fail now, and every later one, too."""
        self._is_ended = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)


def token_header(token: str | None) -> dict[str, str]:
    """The header of a request that bears a token; none without one."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def distrusted(url: str, error: ssl.SSLCertVerificationError) -> PredictionFailed:
    """The error for a service whose certificate is not believed."""
    return PredictionFailed(
        f"the certificate of {url} is not believed: {error.verify_message.rstrip('.')}",
        hint="if an authority of your own signed it, name the file of that one's certificate in the variable "
        "SSL_CERT_FILE",
    )


def prediction_body(rows: Sequence[Mapping[str, object]]) -> bytes:
    """The body of a request that asks for the predictions of rows."""
    return _encode({"rows": [_json_row(row) for row in rows]}).encode()


def changed_model(before: str, now: str) -> RunNotResumed:
    """The error for a service whose model, or what it depends on, is another one than before."""
    what = "serves another model" if before != now else "has other packages or settings"
    return RunNotResumed(
        f"the service {what} than when this file was begun",
        hint="let the former model answer again, or predict the whole file anew with --start-over",
    )


def _json_row(row: Mapping[str, object]) -> dict[str, object]:
    """A row as JSON can hold it: NaN, a missing value in a data frame, becomes null."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()
    }
