"""Images on the engine: found, listed, pulled, loaded and removed."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from infer_cli.engine.connection import explanation, translated
from infer_cli.engine.credentials import credentials_for
from infer_cli.engine.events import Event, Line, StreamFailed, read_stream
from infer_cli.engine.refusals import explain_refusal
from infer_cli.errors import EngineError, ImageNotFound
from infer_cli.image.archive import write_image_archive
from infer_cli.image.base import DEFAULT_PYTHON, BaseImage, local_base, python_of_official
from infer_cli.image.name import ImageName
from infer_cli.plan.labels import BASE_NAME, BASE_PYTHON, SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from infer_cli.engine.connection import Engine, EngineRecord

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
# The least similarity of two names that counts as a misspelling: two of four letters exchanged give 0.75.
_LEAST_SIMILARITY = 0.75
_SHOWN_SUGGESTIONS = 3


@dataclass(frozen=True)
class ImageFacts:
    """The facts that the engine reports about an image."""

    image_id: str
    tags: tuple[str, ...]
    size_bytes: int
    architecture: str
    labels: dict[str, str]
    environment: dict[str, str]

    @property
    def is_service(self) -> bool:
        """Whether infer made the image to serve a model."""
        return SERVICE in self.labels


def find_image(engine: Engine, reference: str) -> ImageFacts | None:
    """The image with this name or id, or None if the engine does not have it."""
    from docker.errors import ImageNotFound as NotOnEngine  # noqa: PLC0415 (slow to import)

    with translated(f"look up the image {reference}"):
        try:
            raw = engine.api.inspect_image(reference)  # type: ignore[no-untyped-call]
        except NotOnEngine:
            return None
    return _facts(raw)


def require_image(engine: Engine, name: ImageName) -> ImageFacts:
    """The image with this name.

    Raises `ImageNotFound`, which suggests images with a similar name, or lists all images that infer made.
    """
    found = find_image(engine, str(name))
    if found is not None:
        return found
    message = f"there is no image {name} on this engine"
    existing = service_image_tags(engine)
    if similar := _similar(name, existing):
        raise ImageNotFound(message, hint=_did_you_mean(similar))
    if not existing:
        raise ImageNotFound(message, hint=f"build it: `infer build --tag {name.name}:{name.tag}`")
    raise ImageNotFound(
        message,
        detail="images that infer made:\n" + "\n".join(f"  {tag}" for tag in existing),
        hint="use one of the images above, or build it",
    )


def _similar(name: ImageName, existing: tuple[str, ...]) -> list[str]:
    """The images that the user may have meant: other tags or owners of the name, or similar names."""
    others = {tag: ImageName.parse(tag) for tag in existing}
    same_name = [tag for tag, other in others.items() if other.name == name.name]
    if same_name:
        return same_name
    similar = get_close_matches(
        name.short_name, {other.short_name for other in others.values()}, n=1, cutoff=_LEAST_SIMILARITY
    )
    return [tag for tag, other in others.items() if other.short_name in similar]


def _did_you_mean(suggestions: list[str]) -> str:
    more = ", …" if len(suggestions) > _SHOWN_SUGGESTIONS else ""
    return f"did you mean {' or '.join(suggestions[:_SHOWN_SUGGESTIONS])}{more}?"


def service_image_tags(engine: Engine) -> tuple[str, ...]:
    """The tags of the images that infer made, sorted."""
    with translated("list the images"):
        images = engine.api.images(filters={"label": SERVICE})
    return tuple(
        sorted(tag for image in images for tag in image.get("RepoTags") or () if tag != "<none>:<none>")
    )


def pull_image(
    engine: Engine,
    reference: str,
    *,
    platform: str | None,
    on_event: Callable[[Event], None],
) -> ImageFacts:
    """Pull an image, with the user's credentials for its registry.

    Raises `ImageNotFound` with the reason of a refusal. Its hint suggests an image on the engine with a
    similar name, if there is one.
    """
    from docker.errors import APIError  # noqa: PLC0415 (slow to import)

    name = ImageName.parse(reference, allow_digest=True)
    credentials = credentials_for(engine, name.host)
    with translated(f"pull {reference}"):
        try:
            # An empty dictionary means no credentials. With None the SDK would run every credential helper.
            events = engine.api.pull(
                name.name,
                tag=name.version,
                stream=True,
                decode=True,
                platform=platform,
                auth_config=credentials or {},
            )
            read_stream(events, on_event)
        except (StreamFailed, APIError) as error:
            raise _not_pulled(engine, name, explanation(error), credentials) from error
    found = find_image(engine, reference)
    if found is None:
        raise ImageNotFound(f"the engine pulled {reference} but does not have it")
    return found


def _not_pulled(
    engine: Engine, name: ImageName, message: str, credentials: Mapping[str, str] | None
) -> ImageNotFound:
    refusal = explain_refusal(name, message, has_credentials=credentials is not None)
    existing = service_image_tags(engine)
    similar = [] if str(name) in existing else _similar(name, existing)
    return ImageNotFound(
        f"the image {name} cannot be pulled: {refusal.reason}",
        detail=None if refusal.reason == message else f"the engine said: {message}",
        hint=_did_you_mean(similar) if similar else refusal.hint,
    )


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


def registry_knows(engine: Engine, reference: str) -> bool:
    """Whether the registry has an image, found out without pulling it.

    False if the engine cannot ask a registry, as Podman cannot. Raises `EngineError` if the registry does not
    answer or does not have the image.
    """
    from docker.errors import NotFound  # noqa: PLC0415 (slow to import)

    name = ImageName.parse(reference, allow_digest=True)
    credentials = credentials_for(engine, name.host)
    with translated(f"find {reference} in its registry"):
        try:
            engine.api.inspect_distribution(str(name), auth_config=credentials or {})  # type: ignore[no-untyped-call]
        except NotFound as error:
            if "is not supported" in explanation(error):
                return False
            raise
    return True


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
    from infer_cli.engine.containers import run_in_temporary_container  # noqa: PLC0415 (seldom needed)

    return run_in_temporary_container(engine, base.image_id, ["python3", "-c", ""])[0] == 0


def remove_image(engine: Engine, reference: str) -> None:
    """Remove an image, or only this name if the image has other names."""
    with translated(f"remove the image {reference}"):
        engine.api.remove_image(reference)


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
    from infer_cli.engine.containers import run_in_temporary_container  # noqa: PLC0415 (seldom needed)

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


def _facts(raw: EngineRecord) -> ImageFacts:
    config = raw.get("Config") or {}
    environment = (entry.partition("=") for entry in config.get("Env") or ())
    return ImageFacts(
        image_id=raw["Id"],
        tags=tuple(raw.get("RepoTags") or ()),
        size_bytes=int(raw.get("Size") or 0),
        architecture=str(raw.get("Architecture") or ""),
        labels=dict(config.get("Labels") or {}),
        environment={name: value for name, _, value in environment},
    )
