"""The event streams of builds, pulls and pushes, read to their end.

The SDK raises nothing when a build, pull or push fails: the failure is one event of the stream. The format
of the events is defined by Docker's package `pkg/jsonmessage`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from infer_cli.engine.connection import EngineRecord

_STEP = re.compile(r"^Step (?P<number>\d+)/(?P<total>\d+) : (?P<text>.*)", re.DOTALL)
_BUILT = re.compile(r"^Successfully built (?P<image>[0-9a-f]{12,})$")
_LAYER = re.compile(r"^ ---> (?P<image>[0-9a-f]{12})$")


@dataclass(frozen=True)
class Line:
    """A line of the engine's output."""

    text: str


@dataclass(frozen=True)
class Step:
    """The start of an instruction of the Dockerfile: the `number`th of `total`, with its text."""

    number: int
    total: int
    text: str


@dataclass(frozen=True)
class Layer:
    """The progress of one layer of a push or a pull; `total_bytes` is 0 while the size is unknown."""

    layer: str
    status: str
    current_bytes: int = 0
    total_bytes: int = 0


Event = Line | Step | Layer


class StreamFailed(Exception):
    """The stream holds an error event; the text of the exception is the engine's."""


@dataclass
class StreamResult:
    """The facts in a stream, besides its lines.

    `digest` is the digest of a pushed image. The other fields describe a build: `step` is the last
    instruction that started, `image` is the short id of the image after the last instruction that ended,
    `step_has_ended` says whether these two instructions are the same, and `built` is the id of the finished
    image.
    """

    digest: str | None = None
    step: Step | None = None
    image: str | None = None
    step_has_ended: bool = False
    built: str | None = None


def read_stream(
    events: Iterable[EngineRecord],
    on_event: Callable[[Event], None],
    result: StreamResult | None = None,
) -> StreamResult:
    """Read the stream to its end, and pass every event before the first error to the callback `on_event`.

    `result` is updated with each event, so that after an error or an interrupt the caller knows what the
    engine has made so far. Raises `StreamFailed` if the stream holds an error.
    """
    result = result or StreamResult()
    failure: str | None = None
    for event in events:
        # After an error, the rest is read and ignored: only a stream at its end frees its connection.
        failure = failure or _failure_of(event)
        if failure is not None:
            continue
        aux = event.get("aux")
        if isinstance(aux, dict):
            result.digest = aux.get("Digest", result.digest)
        for parsed in _parse(event):
            _note(parsed, result)
            on_event(parsed)
    if failure is not None:
        raise StreamFailed(failure)
    return result


def _failure_of(event: EngineRecord) -> str | None:
    if "error" not in event and "errorDetail" not in event:
        return None
    detail = event.get("errorDetail") or {}
    return str(event.get("error") or detail.get("message") or "unknown error").strip()


def _note(event: Event, result: StreamResult) -> None:
    if isinstance(event, Step):
        result.step, result.step_has_ended = event, False
    elif isinstance(event, Line) and (match := _LAYER.match(event.text)):
        result.image, result.step_has_ended = match["image"], True
    elif isinstance(event, Line) and (match := _BUILT.match(event.text)):
        result.built = match["image"]


def _parse(event: EngineRecord) -> Iterable[Event]:
    if "stream" in event:
        text = str(event["stream"])
        if step := _STEP.match(text):
            yield Step(int(step["number"]), int(step["total"]), step["text"].strip())
        else:
            yield from (Line(line) for line in text.splitlines() if line.strip())
    elif "status" in event:
        progress = event.get("progressDetail") or {}
        if "id" in event:
            yield Layer(
                str(event["id"]),
                str(event["status"]),
                int(progress.get("current") or 0),
                int(progress.get("total") or 0),
            )
        else:
            yield Line(str(event["status"]))
