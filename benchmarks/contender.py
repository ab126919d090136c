"""What can be loaded: a server under a name, with the requests that it understands."""

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

_CHECKED = 20
_TIMEOUT_S = 30


@dataclass(frozen=True)
class Line:
    """One line of the table while its server runs: where it listens, and what to send."""

    name: str
    url: str
    requests: tuple[Request, ...]
    labels: Callable[[Any], Sequence[float]]


class Contender(Protocol):
    """A server that can be made ready once, then started with the model of a column."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    def prepare(self) -> None:
        """Install it, or build it; raises `Problem`."""

    def running(self, column: Column, cases: Sequence[Case]) -> AbstractContextManager[tuple[Line, ...]]:
        """Serve until the end of the `with`; raises `Problem`."""


def check_answers(line: Line, cases: Sequence[Case]) -> None:
    """Send the first requests one by one; raises `Problem` unless each gets the labels of the model."""
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
    """Numbers may differ in their last digits; labels are whole ones."""
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)


def _answer(url: str, request: Request) -> Any:  # noqa: ANN401 (JSON)
    sent = urllib.request.Request(
        url + request.path,
        data=request.body.encode() if request.body else None,
        method=request.method,
        headers={"Content-Type": "application/json"} if request.body else {},
    )
    try:
        with urllib.request.urlopen(sent, timeout=_TIMEOUT_S) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Problem(f"it answers {error.code}: {error.read()[:300].decode(errors='replace')}") from error
    except (OSError, ValueError) as error:
        raise Problem(f"it does not answer: {error}") from error
