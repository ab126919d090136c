"""Builds an image with the engine's classic builder; a failed or interrupted build leaves no image behind."""

from __future__ import annotations

import os
import tempfile
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from infer_cli.engine.connection import explanation, translated
from infer_cli.engine.credentials import without_credentials
from infer_cli.engine.events import Event, Layer, Line, Step, StreamFailed, StreamResult, read_stream
from infer_cli.engine.images import find_image, tag_image
from infer_cli.errors import BuildFailed, EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.engine.connection import Engine
    from infer_cli.image.name import ImageName
    from infer_cli.plan.build import BuildPlan

# The lines of the engine's log that an error shows.
_TAIL_LINES = 20
# How much of the context is sent between two reports of progress.
_REPORT_EVERY_BYTES = 4_000_000
# After a build stops, infer looks for its images every `_POLL_S` seconds, until no new image has appeared for
# `_QUIET_S` seconds, and for at most `_SETTLE_S` seconds.
_POLL_S = 0.1
_QUIET_S = 0.5
_SETTLE_S = 60.0
# For each instruction, the engine looks through all images that were made from the same parent. If one of
# them is removed meanwhile, by `docker image prune` or by another build that ends, Docker 20.10 fails the
# build with these words. A further attempt takes from the engine's cache what the earlier one has made.
_LOST_IMAGE = 'unable to find image "sha256:'
_ATTEMPTS = 5


@dataclass(frozen=True)
class BuiltImage:
    """The image of a build; an unchanged image of an earlier build may already have a name (`is_named`)."""

    image_id: str
    size_bytes: int
    is_named: bool


class _CountingReader:
    """A file that reports how much of it was read, as progress of the layer called context."""

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
    """Build the image of `plan`, and leave it without a name until `name_image`.

    Raises `BuildFailed` with the end of the engine's log. If the build fails or is interrupted, the container
    and the images that the build has made are removed.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return _build_once(engine, plan, on_event)
        except BuildFailed as error:
            if _LOST_IMAGE not in str(error):
                raise
    return _build_once(engine, plan, on_event)


def _build_once(engine: Engine, plan: BuildPlan, on_event: Callable[[Event], None]) -> BuiltImage:
    tail: deque[str] = deque(maxlen=_TAIL_LINES)

    def remember(event: Event) -> None:
        if isinstance(event, Line):
            tail.append(event.text)
        elif isinstance(event, Step):
            tail.append(f"Step {event.number}/{event.total} : {event.text}")
        on_event(event)

    before = _unnamed_images(engine)
    result = StreamResult()
    try:
        _build(engine, plan, remember, result)
    except StreamFailed as error:
        # The engine ended the build itself, so it makes no further image.
        result.step_has_ended = True
        _remove_partial_build(engine, result, before)
        raise _failed(plan, str(error), tail) from error
    except BaseException:
        _remove_partial_build(engine, result, before)
        raise
    image = find_image(engine, result.built) if result.built else None
    if image is None:
        raise _failed(plan, "the engine reported no error, and no image", tail)
    return BuiltImage(image.image_id, image.size_bytes, is_named=bool(image.tags))


def name_image(engine: Engine, image: BuiltImage, name: ImageName) -> None:
    """Give the image its name, and take the name away from another image that has it."""
    tag_image(engine, image.image_id, name)


def discard_image(engine: Engine, image: BuiltImage) -> None:
    """Remove the image of a build, unless an earlier build already gave it a name."""
    if not image.is_named:
        _remove_unnamed(engine, image.image_id)


def _build(engine: Engine, plan: BuildPlan, on_event: Callable[[Event], None], result: StreamResult) -> None:
    from docker.errors import APIError  # noqa: PLC0415 (slow to import)

    # The base image is already on the engine, so the build needs no registry and no credentials.
    with (
        tempfile.TemporaryFile() as archive,
        without_credentials(engine),
        translated(f"build {plan.name}"),
    ):
        plan.context.write_tar(archive)
        archive.seek(0)
        try:
            events = engine.api.build(
                fileobj=_CountingReader(archive, on_event),  # type: ignore[arg-type]  # requests needs read and len
                custom_context=True,
                platform=plan.platform,
                nocache=plan.no_cache,
                network_mode="none",
                pull=False,
                rm=True,
                forcerm=True,
                decode=True,
            )
            try:
                read_stream(events, on_event, result)
            finally:
                # The engine stops an unfinished build when its connection is closed.
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


def _unnamed_images(engine: Engine) -> dict[str, str]:
    """The parent of every image that has neither a name nor children; all images as short ids."""
    with translated("list the images"):
        found = engine.api.images(filters={"dangling": True})
    return {_short_id(image["Id"]): _short_id(image.get("ParentId") or "") for image in found}


def _short_id(image: str) -> str:
    return image.removeprefix("sha256:")[:12]


def _remove_partial_build(engine: Engine, result: StreamResult, before: dict[str, str]) -> None:
    """Remove the images of a build that did not finish.

    When a build is stopped, the engine kills the program of a RUN instruction, but it completes any other
    instruction and stores its image. So infer waits for that image. `before` holds the unnamed images from
    before the build, which stay.
    """
    if result.image is None or result.step is None:
        return
    made = {result.image}
    quiet_since = None if _stores_another_image(result) else time.monotonic()
    deadline = time.monotonic() + _SETTLE_S
    while time.monotonic() < deadline:
        leaves = _new_leaves(engine, made, before)
        # The engine makes the image of the running instruction from the image before that instruction, so the
        # earlier image is not removed before the later one has appeared.
        if leaves and (quiet_since is not None or leaves != [result.image]):
            made.update(leaves)
            for image in leaves:
                _remove_unnamed(engine, image)
            quiet_since = time.monotonic()
        elif quiet_since is not None and time.monotonic() - quiet_since > _QUIET_S:
            return
        time.sleep(_POLL_S)


def _stores_another_image(result: StreamResult) -> bool:
    """Whether the engine still completes the last instruction of a stopped build, and stores its image."""
    return not result.step_has_ended and result.step is not None and not result.step.text.startswith("RUN ")


def _new_leaves(engine: Engine, made: set[str], before: dict[str, str]) -> list[str]:
    """The short ids of the new unnamed images that are in `made`, or whose parent is in it."""
    new = {image: parent for image, parent in _unnamed_images(engine).items() if image not in before}
    return [image for image, parent in new.items() if image in made or parent in made]


def _remove_unnamed(engine: Engine, image: str) -> None:
    """Try to remove an image; the engine refuses while the container of a RUN instruction still uses it."""
    with suppress(EngineError), translated("remove a partial image"):
        engine.api.remove_image(image)
