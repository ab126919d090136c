"""Decides for one request whether it is let in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.access.refusals import Refusal
from service.access.tokens import ADMIN, METRICS, PREDICT

if TYPE_CHECKING:
    from service.access.hosts import HostCheck
    from service.access.origins import Origins
    from service.access.tokens import TokenFile

# Load balancers and orchestrators ask these, under any name: all that is told is whether the service works.
HEALTH = ("/livez", "/readyz", "/ping", "/health", "/v2/health/live", "/v2/health/ready")
# Scripts and styles, the same in every service: they tell nothing of the model.
_PLAIN = ("/static/", "/docs/")
ADMINISTRATION = "/v2/repository/models/"
_STATISTICS, _MODELS = "/stats", "/v2/models"
_SCHEME = "bearer "

MISSING = Refusal(
    status=401,
    code="unauthorized",
    message="This service answers only with a token: send the header `Authorization: Bearer TOKEN`.",
    headers=(("WWW-Authenticate", 'Bearer realm="infer"'),),
)
WRONG = Refusal(
    status=401,
    code="unauthorized",
    message="The token is none of this service: it may have been replaced, or belong to another one.",
    headers=(("WWW-Authenticate", 'Bearer realm="infer", error="invalid_token"'),),
)
CLOSED = Refusal(
    status=403,
    code="forbidden",
    message="Administration is closed: ask from inside the container, or give the service tokens, one of "
    "them with the scope admin (the setting TOKENS_FILE).",
)


class Access:
    """What the settings say of who may ask; None stands for a check that is off.

    `health_route` and `predict_route` are further paths for health, which is open, and for predictions.
    """

    def __init__(
        self,
        *,
        hosts: HostCheck | None = None,
        tokens: TokenFile | None = None,
        origins: Origins | None = None,
        health_route: str = "",
        predict_route: str = "",
    ) -> None:
        self._hosts = hosts
        self._tokens = tokens
        self.origins = origins
        self._predict_route = predict_route
        self._open = frozenset((*HEALTH, *([health_route] if health_route else ()))) - {predict_route}

    def refusal(
        self,
        path: str,
        *,
        host: str = "",
        authorization: str = "",
        is_inside: bool = False,
        is_preflight: bool = False,
    ) -> Refusal | None:
        """Give what is said to a request for this path; None if it is let in.

        `host` and `authorization` are its headers. `is_inside`: it comes from the container itself.
        `is_preflight`: a browser asks whether a page may ask, which it does without a token.
        """
        if path in self._open:
            return None
        if self._hosts is not None and (refusal := self._hosts.refusal(host)) is not None:
            return refusal
        if is_preflight:
            return None
        if self._tokens is None:
            return CLOSED if path.startswith(ADMINISTRATION) and not is_inside else None
        if path.startswith(_PLAIN) and path != self._predict_route:
            return None
        return self.refusal_of(authorization, scope_of(path))

    def refusal_of(self, authorization: str, scope: str) -> Refusal | None:
        """Give what is said to this header `Authorization` where a scope is needed; None if it will do."""
        if self._tokens is None:
            return None
        if authorization[: len(_SCHEME)].lower() != _SCHEME:
            return MISSING
        scopes = self._tokens.scopes_of(authorization[len(_SCHEME) :].strip())
        if scopes is None:
            return WRONG
        return None if scope in scopes else _lacking(scope)


def scope_of(path: str) -> str:
    """Give the scope that a token needs for a path."""
    if path == "/metrics" or (path.endswith(_STATISTICS) and path.startswith(_MODELS)):
        return METRICS
    return ADMIN if path.startswith(ADMINISTRATION) else PREDICT


def _lacking(scope: str) -> Refusal:
    challenge = f'Bearer realm="infer", error="insufficient_scope", scope="{scope}"'
    return Refusal(
        status=403,
        code="forbidden",
        message=f"The token may not do this: it lacks the scope {scope}.",
        headers=(("WWW-Authenticate", challenge),),
    )
