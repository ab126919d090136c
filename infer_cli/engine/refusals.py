"""Why a registry refuses a pull or a push: the engine's words, understood, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infer_cli.image.name import ImageName

_UNREACHABLE = (
    "connection refused",
    "no such host",
    "i/o timeout",
    "network is unreachable",
    "no route to host",
    "timeout exceeded",
)
_PLAIN_HTTP = ("server gave http response to https client",)
_UNKNOWN_AUTHORITY = ("certificate signed by unknown authority", "certificate is not trusted")
_TOO_MANY = ("toomanyrequests", "too many requests", "pull rate limit")
_OTHER_PLATFORM = ("no matching manifest",)
# Docker Hub does not tell a private image from none: its own words for both come first.
_DENIED_OR_UNKNOWN = ("repository does not exist or may require",)
_UNAUTHORISED = (
    "unauthorized",
    "authentication required",
    "no basic auth credentials",
    "access denied",
    "denied:",
)
_UNKNOWN = ("manifest unknown", "name unknown", "not found", "does not exist")


@dataclass(frozen=True)
class Refusal:
    """The reason in our words, or the engine's where they are not understood; and what to do, if known."""

    reason: str
    hint: str | None = None


def explain_refusal(name: ImageName, said: str, *, has_credentials: bool) -> Refusal:
    """What the engine `said` when the registry of `name` refused it."""
    host, lowered = name.host, said.lower()
    log_in = f"`docker login{'' if name.registry is None else f' {host}'}`"
    login_hint = (
        f"the credentials for {host} were refused; log in again: {log_in}"
        if has_credentials
        else f"log in first: {log_in}"
    )
    known = (
        (
            _UNREACHABLE,
            Refusal(
                f"the registry {host} does not answer",
                f"check the host name and port of the registry, and that it runs: {host}",
            ),
        ),
        (
            _PLAIN_HTTP,
            Refusal(
                f"the registry {host} speaks plain HTTP, which the engine was not told",
                f'the registry speaks plain HTTP: add "{host}" to "insecure-registries" of the engine',
            ),
        ),
        (
            _UNKNOWN_AUTHORITY,
            Refusal(
                f"the engine does not know who signed the certificate of {host}",
                f"give the engine that authority: /etc/docker/certs.d/{host}/ca.crt",
            ),
        ),
        (
            _TOO_MANY,
            Refusal(f"the registry {host} gives out no more for now", f"wait, or log in: {log_in}"),
        ),
        (
            _OTHER_PLATFORM,
            Refusal(f"the registry {host} has it for other processors only"),
        ),
        (
            _DENIED_OR_UNKNOWN,
            Refusal(
                f"the registry {host} has no such image, or keeps it from you",
                f"check the name; if it is private, {login_hint}",
            ),
        ),
        (_UNAUTHORISED, Refusal(f"the registry {host} keeps it from you", login_hint)),
        (
            _UNKNOWN,
            Refusal(f"the registry {host} has no such image", "check the name and the tag"),
        ),
    )
    for signs, refusal in known:
        if any(sign in lowered for sign in signs):
            return refusal
    return Refusal(said)
