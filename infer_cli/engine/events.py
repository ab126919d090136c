"""The engine's event streams, read to their end: lines and layers for the reader, or an error.

A failed build, pull or push raises nothing by itself: the failure is one event among the others.
The events are those of Docker's `pkg/jsonmessage`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_STEP = re.compile(r"^Step (?P<number>\d+)/(?P<total>\d+) : (?P<text>.*)", re.DOTALL)
_BUILT = re.compile(r"^Successfully built (?P<image>[0-9a-f]{12,})$")
_LAYER = re.compile(r"^ ---> (?P<image>[0-9a-f]{12})$")


@dataclass(frozen=True)
class Line:
    """A line of the engine's log."""

    text: str


@dataclass(frozen=True)
class Step:
    """The start of an instruction of the Dockerfile."""

    number: int
    total: int
    text: str


@dataclass(frozen=True)
class Layer:
    """How far one layer of a push or a pull is; `total_bytes` is 0 while it is not known."""

    layer: str
    status: str
    current_bytes: int = 0
    total_bytes: int = 0


Event = Line | Step | Layer


class StreamFailed(Exception):
    """The stream holds an error event; the text is the engine's."""


@dataclass
class StreamResult:
    """What a stream said besides its lines.

    Of a build: `step` is the instruction that was begun last, `image` the short id of the image after the
    last one that ended, and `step_has_ended` whether that is the same instruction; `built` is the id of the
    whole image.
    """

    digest: str | None = None
    step: Step | None = None
    image: str | None = None
    step_has_ended: bool = False
    built: str | None = None


def read_stream(
    events: Iterable[Mapping[str, Any]],
    on_event: Callable[[Event], None],
    result: StreamResult | None = None,
) -> StreamResult:
    """Hand every event up to the first error to `on_event`; raises `StreamFailed` if there was one.

    `result` is filled while reading, so that what was made before an error or an interrupt is known.
    """
    result = result or StreamResult()
    failure: str | None = None
    for event in events:
        # Also after an error the stream is read to its end, which frees its connection.
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


def _failure_of(event: Mapping[str, Any]) -> str | None:
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


def _parse(event: Mapping[str, Any]) -> Iterable[Event]:
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
