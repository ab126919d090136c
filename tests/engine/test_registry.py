from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.builder import build_image
from infer_cli.engine.connection import connect
from infer_cli.engine.events import Layer
from infer_cli.engine.registry import Pushed, push_image
from infer_cli.errors import ImageNotFound, PushFailed
from infer_cli.image.name import ImageName

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.events import Event
    from infer_cli.plan.build import BuildPlan
    from tests.engine.fake_engine import FakeEngine

DIGEST = "sha256:" + 32 * "ab"
NAME = ImageName.parse("localhost:5000/iris:v1")
ON_HUB = ImageName.parse("ada/iris:v1")
ACCEPTED = {"aux": {"Tag": "v1", "Digest": DIGEST, "Size": 528}}

only_fake = pytest.mark.parametrize("engine", ["fake"], indirect=True)
only_real = pytest.mark.parametrize("engine", [pytest.param("real", marks=pytest.mark.docker)], indirect=True)


def logged_in(docker_config: Path, fake_engine: FakeEngine, registry: str) -> Engine:
    login = {"auth": base64.b64encode(b"ada:secret").decode()}
    (docker_config / "config.json").write_text(json.dumps({"auths": {registry: login}}))
    return connect({"DOCKER_HOST": fake_engine.url})


def test_a_push_returns_the_digest(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.add_image(str(NAME), {})
    fake_engine.script("push", {"status": "Pushed", "id": "abc"}, ACCEPTED)
    seen: list[Event] = []

    pushed = push_image(fake, NAME, on_event=seen.append)

    assert pushed == Pushed("localhost:5000/iris:v1", DIGEST)
    assert pushed.reference == f"localhost:5000/iris@{DIGEST}"
    assert seen == [Layer("abc", "Pushed")]
    [request] = fake_engine.asked("push")
    assert request.path == "/images/localhost:5000/iris/push"
    assert request.query["tag"] == "v1"


def test_a_missing_image_is_not_pushed(engine: Engine, repository: str) -> None:
    with pytest.raises(ImageNotFound, match=f"^there is no image {repository}:v1 on this engine$"):
        push_image(engine, ImageName.parse(f"{repository}:v1"), on_event=lambda _: None)


@only_real
def test_a_registry_that_does_not_answer_is_named(engine: Engine, plan: Callable[..., BuildPlan]) -> None:
    build = plan("FROM scratch", "LABEL a=b")
    built = build_image(engine, build, on_event=lambda _: None)
    name = ImageName.parse(f"127.0.0.1:1/{build.name}")
    engine.api.tag(built.image_id, name.name, tag=name.tag)

    with pytest.raises(PushFailed, match=r"^127\.0\.0\.1:1 did not take .*connection refused") as raised:
        push_image(engine, name, on_event=lambda _: None)

    assert raised.value.hint == "check the host name and port of the registry, and that it runs: 127.0.0.1:1"
    engine.api.remove_image(str(name))


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        pytest.param(
            "dial tcp: lookup registry.test: no such host",
            "check the host name and port of the registry, and that it runs: localhost:5000",
            id="unknown host",
        ),
        pytest.param(
            "dial tcp 127.0.0.1:5000: connect: connection refused",
            "check the host name and port of the registry, and that it runs: localhost:5000",
            id="no server on the port",
        ),
        pytest.param(
            "http: server gave HTTP response to HTTPS client",
            'the registry uses plain HTTP: add "localhost:5000" to "insecure-registries" of the engine',
            id="plain HTTP",
        ),
        pytest.param(
            "no basic auth credentials", "log in first: `docker login localhost:5000`", id="not logged in"
        ),
        pytest.param(
            "denied: requested access to the resource is denied",
            "log in first: `docker login localhost:5000`",
            id="denied",
        ),
        pytest.param(
            "blob upload invalid",
            "the reason of the registry is above; the tag in the registry is unchanged",
            id="anything else",
        ),
    ],
)
def test_a_refused_push_says_what_to_do(
    fake: Engine, fake_engine: FakeEngine, reason: str, hint: str
) -> None:
    fake_engine.add_image(str(NAME), {})
    fake_engine.script("push", {"status": "Preparing", "id": "abc"}, {"error": reason})
    expected = re.escape(f"localhost:5000 did not take {NAME}: {reason}")

    with pytest.raises(PushFailed, match=f"^{expected}$") as raised:
        push_image(fake, NAME, on_event=lambda _: None)

    assert raised.value.hint == hint


def test_an_http_error_of_the_engine_is_a_failed_push(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.add_image(str(ON_HUB), {})
    fake_engine.answer("push", {"message": "unauthorized: log in"}, status=401)

    with pytest.raises(PushFailed, match=r"^docker.io did not take ada/iris:v1: unauthorized") as raised:
        push_image(fake, ON_HUB, on_event=lambda _: None)

    assert raised.value.hint == "log in first: `docker login`"


def test_a_push_without_a_digest_is_not_trusted(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.add_image(str(NAME), {})
    fake_engine.script("push", {"status": "Pushed", "id": "abc"})

    with pytest.raises(PushFailed, match="gave no digest"):
        push_image(fake, NAME, on_event=lambda _: None)


def test_refused_credentials_lead_to_a_new_login(fake_engine: FakeEngine, docker_config: Path) -> None:
    engine = logged_in(docker_config, fake_engine, "localhost:5000")
    fake_engine.add_image(str(NAME), {})
    fake_engine.script("push", {"error": "unauthorized: authentication required"})

    with pytest.raises(PushFailed) as raised:
        push_image(engine, NAME, on_event=lambda _: None)

    assert raised.value.hint == (
        "the credentials for localhost:5000 were refused; log in again: `docker login localhost:5000`"
    )
    engine.api.close()


@only_fake
def test_a_push_after_a_build_still_has_the_users_credentials(
    engine: Engine, fake_engine: FakeEngine, docker_config: Path, plan: Callable[..., BuildPlan]
) -> None:
    """The build itself gets no credentials."""
    assert engine.endpoint.url == fake_engine.url
    logged = logged_in(docker_config, fake_engine, "localhost:5000")
    built = build_image(logged, plan("FROM scratch", "LABEL a=b"), on_event=lambda _: None)
    fake_engine.images[built.image_id]["RepoTags"] = [str(NAME)]
    fake_engine.script("push", ACCEPTED)

    push_image(logged, NAME, on_event=lambda _: None)

    [build], [push] = fake_engine.asked("build"), fake_engine.asked("push")
    assert push.credentials("X-Registry-Auth")["username"] == "ada"
    assert "ada" not in json.dumps(build.credentials("X-Registry-Config"))
    logged.api.close()


def test_without_a_login_no_credentials_are_sent(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.add_image(str(NAME), {})
    fake_engine.script("push", ACCEPTED)

    push_image(fake, NAME, on_event=lambda _: None)

    [request] = fake_engine.asked("push")
    assert not any(request.credentials("X-Registry-Auth").values())
