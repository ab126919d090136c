"""Contenders: the servers of the comparison, each with a name and the requests that it understands."""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from benchmarks.columns import Case, Column
    from benchmarks.load import Request

    # JSON from a server; its keys differ from server to server. `Line.labels` reads it.
    Answer = Any

_CHECKED = 20
_TIMEOUT_S = 30


@dataclass(frozen=True)
class Line:
    """One line of the table while its server runs: the URL, the requests to send, and how to read an answer.

    `labels` returns the labels in an answer, in the order of the rows.
    """

    name: str
    url: str
    requests: tuple[Request, ...]
    labels: Callable[[Answer], Sequence[float]]


class Contender(Protocol):
    """A server that is prepared once, and then started with the model of a column."""

    @property
    def name(self) -> str:
        """The name in the table."""

    def prepare(self) -> None:
        """Install or build the server; raises `Problem`."""

    def running(self, column: Column, cases: Sequence[Case]) -> AbstractContextManager[tuple[Line, ...]]:
        """Serve the model of `column` until the end of the block; raises `Problem`."""


def check_answers(line: Line, cases: Sequence[Case]) -> None:
    """Send the first requests one by one; raises `Problem` unless each answer has the labels of the model."""
    for request, case in list(zip(line.requests, cases, strict=True))[:_CHECKED]:
        answer = _answer(line.url, request)
        try:
            labels = tuple(line.labels(answer))
            is_right = len(labels) == len(case.labels) and all(map(_is_close, labels, case.labels))
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise Problem(f"its answer is not understood: {json.dumps(answer)[:200]}") from error
        if not is_right:
            raise Problem(f"it gives other labels than the model: {labels[:5]}, not {case.labels[:5]}")


def _is_close(found: float, expected: float) -> bool:
    """Whether two numbers are equal but for their last digits. Labels are integers, and so exactly equal."""
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)


def _answer(url: str, request: Request) -> Answer:
    sent = urllib.request.Request(
        url + request.path,
        data=request.body or None,
        method=request.method,
        headers=request.all_headers,
    )
    try:
        with urllib.request.urlopen(sent, timeout=_TIMEOUT_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Problem(f"it answers {error.code}: {error.read()[:300].decode(errors='replace')}") from error
    except (OSError, ValueError) as error:
        raise Problem(f"it does not answer: {error}") from error
