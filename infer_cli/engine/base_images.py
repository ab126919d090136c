"""Base images on the engine: found or pulled, examined, and loaded from a root file system."""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING

from infer_cli.engine.connection import translated
from infer_cli.engine.containers import run_in_temporary_container
from infer_cli.engine.events import Event, Line, StreamFailed, read_stream
from infer_cli.engine.images import find_image, pull_image
from infer_cli.errors import EngineError, ImageNotFound
from infer_cli.image.archive import write_image_archive
from infer_cli.image.base import DEFAULT_PYTHON, BaseImage, local_base, python_of_official
from infer_cli.image.name import ImageName
from infer_cli.plan.labels import BASE_NAME, BASE_PYTHON

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.images import ImageFacts

# Prints the Python version and the C library of a base image: they decide which wheels run on it. On Alpine,
# whose C library is musl, confstr knows no such name.
_PROBE = """
import json, os, sys
try:
    libc = os.confstr("CS_GNU_LIBC_VERSION")
except (ValueError, OSError):
    libc = None
print(json.dumps({"python": "%d.%d" % sys.version_info[:2], "libc": libc}))
"""


def base_image(
    engine: Engine,
    reference: str,
    *,
    platform: str | None,
    on_event: Callable[[Event], None],
) -> BaseImage:
    """The base image with this name, pulled if the engine does not have it, with its Python and C library.

    Raises `ImageNotFound`, whose hint works without a registry, and `EngineError` for an image that cannot be
    a base image.
    """
    local = find_image(engine, reference)
    if local is not None and _fits(local, platform):
        return _describe(engine, reference, local)
    on_event(Line(f"Pulling base image {reference}"))
    try:
        found = pull_image(engine, reference, platform=platform, on_event=on_event)
    except ImageNotFound as error:
        if local is not None:
            error.message = f"{reference} on this engine is for {local.architecture}, not {platform}; {error}"
        error.hint = _hint_without_registry(engine, reference, platform)
        raise
    return _describe(engine, reference, found)


def load_base(
    engine: Engine, root: Path, *, name: str, architecture: str, labels: Mapping[str, str]
) -> ImageFacts:
    """Load an image whose only layer is the root file system `root`, a tar archive, into the engine."""
    image = ImageName.parse(name)
    with translated(f"load the base image {name}"), tempfile.TemporaryFile() as archive:
        image_id = write_image_archive(
            root, archive, name=str(image), architecture=architecture, labels=labels
        )
        archive.seek(0)
        answer = engine.api.load_image(archive)  # type: ignore[no-untyped-call]
        try:
            read_stream(answer, lambda _: None)
        except StreamFailed as error:
            raise EngineError(f"the engine did not take the base image {name}: {error}") from error
        # Podman may name the image after another registry.
        engine.api.tag(image_id, image.name, image.tag)
    found = find_image(engine, name)
    if found is None:
        raise EngineError(f"the engine took the base image {name} but does not have it")
    return found


def can_run(engine: Engine, base: BaseImage) -> bool:
    """Whether the engine can run programs of this image, on its own processor or by emulation of another."""
    if base.architecture == engine.architecture or base.image_id is None:
        return True
    return run_in_temporary_container(engine, base.image_id, ["python3", "-c", ""])[0] == 0


def _hint_without_registry(engine: Engine, reference: str, platform: str | None) -> str:
    """How to go on without a registry: with the base image that `infer base` makes, or has made."""
    python = python_of_official(reference) or DEFAULT_PYTHON
    architecture = platform.split("/")[1] if platform else engine.architecture
    local = local_base(python, architecture, engine.architecture)
    if find_image(engine, local):
        return f"use the local base image: add `--base-image {local}`, or set INFER_BASE_IMAGE={local}"
    options = f" --python {python}" if python != DEFAULT_PYTHON else ""
    options += f" --platform {platform}" if platform else ""
    return (
        f"without a registry, `infer base{options}` makes one from Debian packages; "
        f"then add `--base-image {local}`"
    )


def _fits(image: ImageFacts, platform: str | None) -> bool:
    return platform is None or platform.split("/")[1] == image.architecture


def _describe(engine: Engine, reference: str, image: ImageFacts) -> BaseImage:
    """The base image with its Python version and C library.

    They follow from its labels or its name, or else a program inside the image prints them.
    """
    if image.is_service:
        base = image.labels.get(BASE_NAME)
        raise EngineError(
            f"{reference} is an image that infer made to serve a model, and no base image",
            hint=f"use the base image that it was built on: --base-image {base}" if base else None,
        )
    python = image.labels.get(BASE_PYTHON) or (python_of_official(reference) and _official_version(image))
    if python:
        return BaseImage(reference, python, image.architecture, image_id=image.image_id)
    status, output = run_in_temporary_container(engine, image.image_id, ["python3", "-c", _PROBE])
    if status != 0:
        raise EngineError(
            f"the base image {reference} has no usable python3: {output.strip() or f'exit code {status}'}",
            hint="choose one with Python and glibc, such as python:3.11-slim",
        )
    answer = json.loads(output)
    if not str(answer["libc"]).startswith("glibc "):
        message = f"the base image {reference} does not use glibc, for which wheels are built"
        raise EngineError(
            message, hint="choose an image based on Debian, such as python:3.11-slim, instead of Alpine"
        )
    major, minor = str(answer["libc"]).removeprefix("glibc ").split(".")[:2]
    return BaseImage(
        reference,
        str(answer["python"]),
        image.architecture,
        glibc=(int(major), int(minor)),
        image_id=image.image_id,
    )


def _official_version(image: ImageFacts) -> str | None:
    """The Python version as `X.Y` in the environment variable that official Python images set."""
    version = image.environment.get("PYTHON_VERSION")
    return ".".join(version.split(".")[:2]) if version else None
