from __future__ import annotations

import pytest

from infer_cli.engine.refusals import Refusal, explain_refusal
from infer_cli.image.name import ImageName

NAME = ImageName.parse("ghcr.io/ada/iris:v1")
ON_HUB = ImageName.parse("ada/iris:v1")


@pytest.mark.parametrize(
    ("message", "reason", "hint"),
    [
        # Messages of engines and registries, word for word.
        pytest.param(
            'Get "https://ghcr.io/v2/": dial tcp: lookup ghcr.io on 10.0.0.53:53: no such host',
            "the registry ghcr.io does not answer",
            "check the host name and port of the registry, and that it runs: ghcr.io",
            id="unknown host",
        ),
        pytest.param(
            "write tcp 127.0.0.1:53990->127.0.0.1:37501: use of closed network connection",
            "the connection to the registry ghcr.io broke again and again",
            "run the command again: layers that are there already are not sent again",
            id="broken connection",
        ),
        pytest.param(
            'Get "https://ghcr.io/v2/": http: server gave HTTP response to HTTPS client',
            "the registry ghcr.io uses plain HTTP, which the engine does not allow for it",
            'the registry uses plain HTTP: add "ghcr.io" to "insecure-registries" of the engine',
            id="plain HTTP",
        ),
        pytest.param(
            "tls: failed to verify certificate: x509: certificate signed by unknown authority",
            "the engine does not trust the authority that signed the certificate of ghcr.io",
            "save the certificate of the authority as /etc/docker/certs.d/ghcr.io/ca.crt",
            id="private authority",
        ),
        pytest.param(
            "toomanyrequests: You have reached your unauthenticated pull rate limit.",
            "the registry ghcr.io allows no more pulls for now",
            "wait, or log in: `docker login ghcr.io`",
            id="rate limit",
        ),
        pytest.param(
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            "the registry ghcr.io has the image for other processors only",
            None,
            id="another processor",
        ),
        pytest.param(
            "pull access denied for ada/iris, repository does not exist or may require 'docker login': "
            "denied: requested access to the resource is denied",
            "the registry ghcr.io has no such image, or denies you access to it",
            "check the name; if it is private, log in first: `docker login ghcr.io`",
            id="private or missing",
        ),
        pytest.param(
            'Head "https://ghcr.io/v2/ada/iris/manifests/v1": no basic auth credentials',
            "the registry ghcr.io denies you access",
            "log in first: `docker login ghcr.io`",
            id="not logged in",
        ),
        pytest.param(
            "manifest for ghcr.io/ada/iris:v1 not found: manifest unknown: manifest unknown",
            "the registry ghcr.io has no such image",
            "check the name and the tag",
            id="no such image",
        ),
        pytest.param("the disk is odd", "the disk is odd", None, id="anything else"),
    ],
)
def test_a_message_of_a_registry_is_explained(message: str, reason: str, hint: str | None) -> None:
    assert explain_refusal(NAME, message, has_credentials=False) == Refusal(reason, hint)


def test_refused_credentials_lead_to_a_new_login() -> None:
    found = explain_refusal(ON_HUB, "unauthorized: incorrect username or password", has_credentials=True)

    assert found.hint == "the credentials for docker.io were refused; log in again: `docker login`"
