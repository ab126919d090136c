"""Builds an image with the engine's classic builder, and leaves nothing half-made behind."""

from __future__ import annotations

import os
import tempfile
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from infer_cli.engine.connection import explanation, translated
from infer_cli.engine.credentials import forget_other_registries
from infer_cli.engine.events import Event, Layer, Line, Step, StreamFailed, StreamResult, read_stream
from infer_cli.engine.images import find_image
from infer_cli.errors import BuildFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.engine.connection import Engine
    from infer_cli.plan import BuildPlan

_TAIL_LINES = 20
_REPORT_EVERY_BYTES = 4_000_000
_SETTLE_S = 5.0


@dataclass(frozen=True)
class BuiltImage:
    """An image that was built."""

    tag: str
    image_id: str
    size_bytes: int


class _CountingReader:
    """A file that tells how much of it was read."""

    def __init__(self, file: BinaryIO, on_event: Callable[[Event], None]) -> None:
        self._file, self._on_event = file, on_event
        self._total = os.fstat(file.fileno()).st_size
        self._read = self._reported = 0

    def __len__(self) -> int:
        return self._total

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._read += len(chunk)
        if self._read - self._reported >= _REPORT_EVERY_BYTES or (not chunk and self._reported < self._total):
            self._reported = self._read
            self._on_event(Layer("context", "Sending", self._read, self._total))
        return chunk


def build_image(engine: Engine, plan: BuildPlan, *, on_event: Callable[[Event], None]) -> BuiltImage:
    """Build and tag the image of `plan`.

    Raises `BuildFailed` with the end of the engine's log. If it fails or is interrupted, the container and
    the layers that this build made are removed.
    """
    tail: deque[str] = deque(maxlen=_TAIL_LINES)

    def remember(event: Event) -> None:
        if isinstance(event, Line):
            tail.append(event.text)
        elif isinstance(event, Step):
            tail.append(f"Step {event.number}/{event.total} : {event.text}")
        on_event(event)

    made = StreamResult()
    try:
        _build(engine, plan, remember, made)
    except StreamFailed as error:
        _remove_half_made(engine, made)
        raise _failed(plan, str(error), tail) from error
    except BaseException:
        _remove_half_made(engine, made)
        raise
    image = find_image(engine, str(plan.name))
    if image is None:
        raise _failed(plan, "the engine reported no error but has no such image", tail)
    return BuiltImage(str(plan.name), image.image_id, image.size_bytes)


def _build(engine: Engine, plan: BuildPlan, on_event: Callable[[Event], None], made: StreamResult) -> None:
    from docker.errors import APIError  # noqa: PLC0415 (slow to import)

    # The base image is on the engine already, so that the build itself asks no registry.
    forget_other_registries(engine, plan.name.host, None)
    with tempfile.TemporaryFile() as archive, translated(f"build {plan.name}"):
        plan.context.write_tar(archive)
        archive.seek(0)
        try:
            events = engine.api.build(
                fileobj=_CountingReader(archive, on_event),  # type: ignore[arg-type]  # requests needs read and len
                custom_context=True,
                tag=str(plan.name),
                platform=plan.platform,
                nocache=plan.no_cache,
                network_mode="none",
                pull=False,
                rm=True,
                forcerm=True,
                decode=True,
            )
            try:
                read_stream(events, on_event, made)
            finally:
                # Closing the connection is how the engine is told to stop.
                events.close()
        except APIError as error:
            raise StreamFailed(explanation(error)) from error


def _failed(plan: BuildPlan, reason: str, tail: deque[str]) -> BuildFailed:
    if "no space left on device" in reason:
        hint = (
            "the engine's disk is full: `docker system df` shows what uses it, `docker system prune` frees it"
        )
    else:
        hint = "the engine's full log: run the build again with --verbose"
    return BuildFailed(
        f"building {plan.name} failed: {reason}",
        detail="\n".join(f"  {line}" for line in tail) or None,
        hint=hint,
    )


def _remove_half_made(engine: Engine, made: StreamResult) -> None:
    """Remove the layers of a build that did not end, unless another image uses them.

    The engine may still be storing one when it is told to stop, so its successor is looked for, too.
    """
    from docker.errors import APIError  # noqa: PLC0415 (slow to import)

    if not made.made:
        return
    deadline = time.monotonic() + _SETTLE_S
    with suppress(APIError):
        while time.monotonic() < deadline and _is_building(engine, made.made[-1]):
            time.sleep(0.1)
    for image in reversed([*made.made, *_successors(engine, made.made[-1])]):
        with suppress(APIError):
            engine.api.remove_image(image)


def _is_building(engine: Engine, image: str) -> bool:
    return bool(engine.api.containers(filters={"ancestor": image}))


def _successors(engine: Engine, image: str) -> list[str]:
    """The unnamed images made directly from `image`."""
    from docker.errors import APIError  # noqa: PLC0415 (slow to import)

    found = []
    with suppress(APIError):
        for candidate in engine.api.images(filters={"dangling": True}):
            parent = str(candidate.get("ParentId") or "").removeprefix("sha256:")
            if parent.startswith(image):
                found.append(str(candidate["Id"]))
    return found
