"""What a service counts of itself: `GET /metrics`, in the text format of Prometheus."""

from __future__ import annotations

import http.client
import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.client.connection import open_connection
from infer_cli.client.service_client import token_header

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PATH = "/metrics"
_OK, _NOT_FOUND = 200, 404
_NOT_LET_IN = (401, 403)
# A name, labels in braces if there are any, and a number. A label's value may hold any character.
_LINE = re.compile(r"(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")
_NOT_OURS = "its metrics are not those of infer"


class NoMetricsError(Exception):
    """A service gives no metrics; the text of the error says why in a few words."""


@dataclass(frozen=True)
class Metrics:
    """What a service has counted since its start.

    `answers` are the requests answered, by route and status. `durations` are the upper ends of the buckets in
    seconds, in their order, each with the number of requests for predictions that took at most so long.
    `started_s` is when the counts were zero, in seconds since 1970. The system of a service may not tell its
    CPU time and its memory.
    """

    answers: Mapping[tuple[str, int], float]
    durations: tuple[tuple[float, float], ...]
    rows: float
    started_s: float
    cpu_s: float | None = None
    memory_bytes: float | None = None
    model: str | None = None


def scrape(url: str, *, timeout_s: float, token: str | None = None, known: Path | None = None) -> Metrics:
    """Ask the service at `url` for its metrics; `known` is a file of certificates, one of which it has.

    Raises `NoMetricsError` if it gives none, and `TimeoutError` if it does not answer in time.
    """
    connection = open_connection(url, timeout_s=timeout_s, known=known)
    try:
        connection.request("GET", _PATH, headers=token_header(token))
        answer = connection.getresponse()
        content = answer.read()
    except TimeoutError:
        raise
    except ssl.SSLCertVerificationError as error:
        raise NoMetricsError("its certificate is not believed") from error
    except (OSError, http.client.HTTPException) as error:
        # The engine accepts connections at a published port before the service listens behind it.
        raise NoMetricsError("nothing answers at its port") from error
    finally:
        connection.close()
    if answer.status == _NOT_FOUND:
        raise NoMetricsError(f"it has no {_PATH}")
    if answer.status in _NOT_LET_IN:
        raise NoMetricsError("it asks for a token")
    if answer.status != _OK:
        raise NoMetricsError(f"status {answer.status} for {_PATH}")
    return parse_metrics(content.decode(errors="replace"))


def parse_metrics(text: str) -> Metrics:
    """Read the metrics of a service; raises `NoMetricsError` if they are those of another program."""
    answers: dict[tuple[str, int], float] = {}
    durations: list[tuple[float, float]] = []
    single: dict[str, float] = {}
    model = None
    try:
        for name, labels, value in _lines(text):
            if name == "infer_requests_total":
                answers[labels["route"], int(labels["status"])] = value
            elif name == "infer_request_duration_seconds_bucket":
                durations.append((float(labels["le"]), value))
            elif name == "infer_model_info":
                model = labels["file"]
            elif not labels:
                single[name] = value
        return Metrics(
            answers,
            tuple(sorted(durations)),
            single["infer_predicted_rows_total"],
            single["process_start_time_seconds"],
            single.get("process_cpu_seconds_total"),
            single.get("process_resident_memory_bytes"),
            model,
        )
    except (KeyError, ValueError) as error:
        raise NoMetricsError(_NOT_OURS) from error


def _lines(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Each sample: its name, its labels and its number; raises `ValueError` for a line that is none."""
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError(line)
        labels = {name: _unescaped(value) for name, value in _LABEL.findall(found["labels"] or "")}
        yield found["name"], labels, float(found["value"])


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], value)
