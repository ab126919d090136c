"""Image names, parsed and printed: `registry:port/path/name:tag`, or `…/name@sha256:…` for one exact image.

The rules are the reference grammar of the Docker distribution project (`distribution/reference`, file
`regexp.go`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from infer_cli.errors import InvalidImageName

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"

_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
    r"|\[[0-9a-fA-F:]+\]"
)
_PORT = re.compile(r"[0-9]{1,5}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")
# Includes the registry, and the `library/` that Docker Hub puts before the names of its own images.
_MAX_NAME_LENGTH = 255
_MAX_PORT = 65535


@dataclass(frozen=True)
class ImageName:
    """The name of an image, checked by `ImageName.parse`; a `digest` takes precedence over the tag."""

    repository: str
    tag: str = DEFAULT_TAG
    registry: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, text: str, *, allow_digest: bool = False) -> ImageName:
        """Parse `[HOST[:PORT]/]NAME[:TAG]`.

        `allow_digest` also accepts `@sha256:…` at the end, which names an existing image. Raises
        `InvalidImageName`, whose message states the broken rule.
        """
        if not text:
            raise _invalid(text, "it is empty")
        if text.startswith(("http://", "https://")):
            raise _invalid(text, "it has a URL scheme; write the registry's host alone")
        named, at, digest = text.partition("@")
        if at and not allow_digest:
            raise _invalid(text, "a digest (@sha256:…) cannot be given to a new image")
        if at and not _DIGEST.fullmatch(digest):
            raise _invalid(text, "a digest is sha256: and 64 of 0-9 and a-f")
        if any(character.isspace() for character in named):
            raise _invalid(text, "it contains a space")
        registry, rest = _split_registry(named)
        repository, colon, tag = rest.partition(":")
        if registry is not None:
            _check_registry(text, registry)
        _check_repository(text, repository)
        if len(registry or f"{DEFAULT_REGISTRY}/library") + 1 + len(repository) > _MAX_NAME_LENGTH:
            raise _invalid(text, f"the name is longer than {_MAX_NAME_LENGTH} characters with its registry")
        if colon and not _TAG.fullmatch(tag):
            raise _invalid(text, _tag_rule(tag))
        return cls(repository=repository, tag=tag or DEFAULT_TAG, registry=registry, digest=digest or None)

    @property
    def name(self) -> str:
        """The name without its tag, in the form that the engine's API expects."""
        return f"{self.registry}/{self.repository}" if self.registry else self.repository

    @property
    def short_name(self) -> str:
        """The last part of the repository: the default name of a service."""
        return self.repository.rsplit("/", 1)[-1]

    @property
    def host(self) -> str:
        """The host of the registry: a push goes to it."""
        return self.registry or DEFAULT_REGISTRY

    @property
    def version(self) -> str:
        """The digest, or else the tag: the version that a pull asks for."""
        return self.digest or self.tag

    @property
    def can_be_pulled(self) -> bool:
        """Whether a registry could have the image.

        On Docker Hub only Docker's own images have a name of one part.
        """
        return self.registry is not None or "/" in self.repository

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"


def _split_registry(text: str) -> tuple[str | None, str]:
    """Split off the first part as a registry if it holds a dot or a colon, or is `localhost`."""
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first, rest
    return None, text


def _check_registry(text: str, registry: str) -> None:
    host, port = registry, None
    if not registry.endswith("]"):
        host, colon, port = registry.rpartition(":")
        if not colon:
            host, port = registry, None
    if not _HOST.fullmatch(host):
        raise _invalid(text, f"{host!r} is not a host name")
    if port is not None and not (_PORT.fullmatch(port) and 0 < int(port) <= _MAX_PORT):
        raise _invalid(text, f"{port!r} is not a port (1 to {_MAX_PORT})")


def _check_repository(text: str, repository: str) -> None:
    if repository != repository.lower():
        raise _invalid(
            text, "the name must be lower case", suggestion=text.replace(repository, repository.lower())
        )
    if not repository:
        raise _invalid(text, "there is no name before the tag")
    if _IMAGE_ID.fullmatch(repository):
        raise _invalid(text, "64 hexadecimal digits are an image's id")
    for part in repository.split("/"):
        if not part:
            raise _invalid(text, "a part between slashes is empty")
        if not _COMPONENT.fullmatch(part):
            raise _invalid(
                text,
                f"{part!r} may hold only a-z, 0-9 and single '.', '_', '-' (or '__') between them",
            )


def _tag_rule(tag: str) -> str:
    if not tag:
        return "there is nothing after the colon"
    if "/" in tag:
        return "a slash follows the colon; a registry with a port needs a host before it"
    if tag[0] in ".-":
        return f"a tag cannot begin with {tag[0]!r}"
    if len(tag) > 128:  # noqa: PLR2004 (the grammar's own limit)
        return "a tag is at most 128 characters long"
    return f"the tag {tag!r} may hold only letters, digits, '_', '.' and '-'"


def _invalid(text: str, rule: str, *, suggestion: str | None = None) -> InvalidImageName:
    return InvalidImageName(
        f"{text!r} is not a valid image name: {rule}",
        hint=f"try {suggestion}"
        if suggestion
        else "write it as NAME:TAG, for example iris:v1, or HOST:PORT/NAME:TAG",
    )
