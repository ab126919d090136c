"""Pushes images to a registry, and explains a refusal of the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.engine.connection import explanation, translated
from infer_cli.engine.credentials import credentials_for
from infer_cli.engine.events import Event, StreamFailed, read_stream
from infer_cli.engine.images import require_image
from infer_cli.engine.refusals import explain_refusal
from infer_cli.errors import PushFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.engine.connection import Engine
    from infer_cli.image.name import ImageName


@dataclass(frozen=True)
class Pushed:
    """An image that a registry accepted, and its digest there."""

    tag: str
    digest: str

    @property
    def reference(self) -> str:
        """The name with the digest: pulling it gives exactly this image."""
        return f"{self.tag.rpartition(':')[0]}@{self.digest}"


def push_image(engine: Engine, name: ImageName, *, on_event: Callable[[Event], None]) -> Pushed:
    """Push an image, with the user's credentials for the registry.

    Raises `ImageNotFound` if the engine does not have the image, and `PushFailed` if the registry refuses it.
    """
    from docker.errors import APIError  # noqa: PLC0415 (slow to import)

    require_image(engine, name)
    credentials = credentials_for(engine, name.host)
    with translated(f"push {name}"):
        try:
            # An empty dictionary means no credentials. With None the SDK would read the configuration again.
            events = engine.api.push(
                name.name,
                tag=name.tag,
                stream=True,
                decode=True,
                auth_config=credentials or {},
            )
            result = read_stream(events, on_event)
        except (StreamFailed, APIError) as error:
            raise _refused(name, explanation(error), has_credentials=credentials is not None) from error
    if result.digest is None:
        raise PushFailed(f"the registry {name.host} took {name} but gave no digest", hint="push it again")
    return Pushed(str(name), result.digest)


def _refused(name: ImageName, reason: str, *, has_credentials: bool) -> PushFailed:
    hint = explain_refusal(name, reason, has_credentials=has_credentials).hint
    return PushFailed(
        f"{name.host} did not take {name}: {reason}",
        hint=hint or "the reason of the registry is above; the tag in the registry is unchanged",
    )
