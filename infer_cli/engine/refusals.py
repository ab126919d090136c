"""Explains the engine's message about a refused pull or push: the reason, and a hint for the user."""

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
_BROKEN = ("use of closed network connection", "connection reset by peer", "broken pipe", "unexpected eof")
_PLAIN_HTTP = ("server gave http response to https client",)
_UNKNOWN_AUTHORITY = ("certificate signed by unknown authority", "certificate is not trusted")
_TOO_MANY = ("toomanyrequests", "too many requests", "pull rate limit")
_OTHER_PLATFORM = ("no matching manifest",)
# Docker Hub gives the same answer for a private image and a missing one. Its text also contains signs of the
# next two groups, so it is tested first.
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
    """The reason of a refusal, and a hint; an unknown reason is the engine's own message, without a hint."""

    reason: str
    hint: str | None = None


def explain_refusal(name: ImageName, message: str, *, has_credentials: bool) -> Refusal:
    """Explain the engine's `message` about a pull or a push of `name` that the registry refused.

    `has_credentials` says whether the request held the user's credentials.
    """
    host, lowered = name.host, message.lower()
    log_in = f"`docker login{'' if name.registry is None else f' {host}'}`"
    login_hint = (
        f"the credentials for {host} were refused; log in again: {log_in}"
        if has_credentials
        else f"log in first: {log_in}"
    )
    known = (
        *_of_the_way_there(host),
        (
            _TOO_MANY,
            Refusal(f"the registry {host} allows no more pulls for now", f"wait, or log in: {log_in}"),
        ),
        (
            _OTHER_PLATFORM,
            Refusal(f"the registry {host} has the image for other processors only"),
        ),
        (
            _DENIED_OR_UNKNOWN,
            Refusal(
                f"the registry {host} has no such image, or denies you access to it",
                f"check the name; if it is private, {login_hint}",
            ),
        ),
        (_UNAUTHORISED, Refusal(f"the registry {host} denies you access", login_hint)),
        (
            _UNKNOWN,
            Refusal(f"the registry {host} has no such image", "check the name and the tag"),
        ),
    )
    for signs, refusal in known:
        if any(sign in lowered for sign in signs):
            return refusal
    return Refusal(message)


def _of_the_way_there(host: str) -> tuple[tuple[tuple[str, ...], Refusal], ...]:
    """The signs and explanations of what goes wrong between the engine and a registry."""
    return (
        (
            _UNREACHABLE,
            Refusal(
                f"the registry {host} does not answer",
                f"check the host name and port of the registry, and that it runs: {host}",
            ),
        ),
        (
            _BROKEN,
            Refusal(
                f"the connection to the registry {host} broke again and again",
                "run the command again: layers that are there already are not sent again",
            ),
        ),
        (
            _PLAIN_HTTP,
            Refusal(
                f"the registry {host} uses plain HTTP, which the engine does not allow for it",
                f'the registry uses plain HTTP: add "{host}" to "insecure-registries" of the engine',
            ),
        ),
        (
            _UNKNOWN_AUTHORITY,
            Refusal(
                f"the engine does not trust the authority that signed the certificate of {host}",
                f"save the certificate of the authority as /etc/docker/certs.d/{host}/ca.crt",
            ),
        ),
    )
