"""Images on the engine: found, listed, pulled and removed."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from infer_cli.engine.connection import explanation, translated
from infer_cli.engine.credentials import credentials_for
from infer_cli.engine.events import Event, StreamFailed, read_stream
from infer_cli.engine.refusals import explain_refusal
from infer_cli.errors import ImageNotFound, InferError
from infer_cli.image.name import ImageName
from infer_cli.plan.labels import SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from infer_cli.engine.connection import Engine, EngineRecord

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


def labelled_images(engine: Engine, label: str) -> tuple[ImageFacts, ...]:
    """The images with a label, written `NAME=VALUE`; the newest first."""
    with translated("list the images"):
        images = engine.api.images(filters={"label": label})
        newest_first = sorted(images, key=lambda image: int(image.get("Created") or 0), reverse=True)
    found = (find_image(engine, image["Id"]) for image in newest_first)
    return tuple(image for image in found if image is not None)


def tag_image(engine: Engine, image_id: str, name: ImageName) -> None:
    """Give an image a name, and take the name away from another image that has it."""
    with translated(f"name the image {name}"):
        engine.api.tag(image_id, name.name, name.tag)


@contextmanager
def named(engine: Engine, image_id: str, name: ImageName) -> Iterator[None]:
    """Give an image a name for good; after an error inside the block, the name is what it was before."""
    before = find_image(engine, str(name))
    tag_image(engine, image_id, name)
    try:
        yield
    except BaseException:
        with suppress(InferError):
            if before is None:
                remove_image(engine, str(name))
            else:
                tag_image(engine, before.image_id, name)
        raise


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


def remove_image(engine: Engine, reference: str) -> None:
    """Remove an image, or only this name if the image has other names."""
    with translated(f"remove the image {reference}"):
        engine.api.remove_image(reference)


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
