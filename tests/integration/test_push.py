"""`infer push` to real registries, one of them with a password, and `infer run` of images from a registry."""

from __future__ import annotations

import base64
import json
import os
import urllib.request
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.images import find_image
from tests.integration.proxy import breaking_proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished
    from tests.integration.conftest import Registry

# A line of htpasswd for the password "secret"; the registry accepts only bcrypt.
_HTPASSWD = "alice:$2b$12$ipxOVaWqrF8c1Hco3WUAR.Oh6N44Y43rZlRnY51JVGSPyprW.Mw3y"
_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture(scope="module")
def open_registry(start_registry: Callable[..., Registry]) -> Registry:
    return start_registry()


@pytest.fixture(scope="module")
def closed_registry(start_registry: Callable[..., Registry]) -> Registry:
    return start_registry(htpasswd=_HTPASSWD)


@pytest.fixture
def tagged(engine: Engine, iris_image: str) -> Iterator[Callable[[str], str]]:
    """Name the iris image for a registry; the names are removed after the test."""
    names: list[str] = []

    def tag(host: str) -> str:
        engine.api.tag(iris_image, f"{host}/team/iris", "v1")
        names.append(f"{host}/team/iris:v1")
        return names[-1]

    yield tag
    for name in names:
        engine.api.remove_image(name)


@pytest.fixture
def docker_config(tmp_path: Path) -> Callable[..., str]:
    """Write a Docker configuration, and return its folder."""

    def write(**content: object) -> str:
        (tmp_path / "config.json").write_text(json.dumps(content))
        return str(tmp_path)

    return write


def _login(host: str, password: str) -> dict[str, dict[str, str]]:
    return {host: {"auth": base64.b64encode(f"alice:{password}".encode()).decode()}}


def test_push_prints_the_digest_of_the_registry(
    infer: Callable[..., Finished], open_registry: Registry, tagged: Callable[[str], str]
) -> None:
    name = tagged(open_registry.host)

    pushed = infer("push", name, "--json")

    assert pushed.exit_code == 0, pushed.stderr
    digest = pushed.record["digest"]
    request = urllib.request.Request(
        f"http://{open_registry.host}/v2/team/iris/manifests/{digest}", headers={"Accept": _MANIFEST}
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.headers["Docker-Content-Digest"] == digest
    assert pushed.record["reference"] == f"{open_registry.host}/team/iris@{digest}"


def test_a_connection_that_breaks_in_the_middle_of_a_layer_is_made_again(
    infer: Callable[..., Finished], start_registry: Callable[..., Registry], tagged: Callable[[str], str]
) -> None:
    with breaking_proxy(start_registry().host, after_bytes=1_000_000) as (host, broken):
        pushed = infer("push", tagged(host))

    assert broken
    assert pushed.exit_code == 0, pushed.stderr
    assert "Retrying in" in pushed.stderr
    assert f"{host}/team/iris@sha256:" in pushed.stdout


def test_push_to_another_name_gives_the_image_that_name(
    infer: Callable[..., Finished], engine: Engine, iris_image: str, open_registry: Registry
) -> None:
    name = f"{open_registry.host}/team/elsewhere:v7"

    pushed = infer("push", iris_image, "--to", name)

    assert pushed.exit_code == 0, pushed.stderr
    found, source = find_image(engine, name), find_image(engine, iris_image)
    assert found is not None
    assert source is not None
    assert found.image_id == source.image_id
    engine.api.remove_image(name)


def test_a_failed_push_leaves_no_name_behind(
    infer: Callable[..., Finished], engine: Engine, iris_image: str, closed_registry: Registry
) -> None:
    name = f"{closed_registry.host}/team/nowhere:v7"

    pushed = infer("push", iris_image, "--to", name)

    assert pushed.exit_code != 0
    assert find_image(engine, name) is None
    assert find_image(engine, iris_image) is not None


def test_push_shows_each_layer(
    infer: Callable[..., Finished], start_registry: Callable[..., Registry], tagged: Callable[[str], str]
) -> None:
    pushed = infer("push", tagged(start_registry().host))

    assert pushed.exit_code == 0, pushed.stderr
    assert pushed.stderr.count(": Pushed") >= 6
    assert "Preparing" not in pushed.stderr


def test_build_can_push_the_new_image(
    infer: Callable[..., Finished],
    closed_registry: Registry,
    docker_config: Callable[..., str],
    base_image: str,
    engine: Engine,
) -> None:
    name = f"{closed_registry.host}/team/built:v1"
    config = docker_config(auths=_login(closed_registry.host, "secret"))

    built = infer(
        "build", "--tag", name, "--base-image", base_image, "--push", "--json", DOCKER_CONFIG=config
    )

    assert built.exit_code == 0, built.stderr
    assert built.record["digest"].startswith("sha256:")
    engine.api.remove_image(name)


def test_the_password_comes_from_the_docker_configuration(
    infer: Callable[..., Finished],
    closed_registry: Registry,
    tagged: Callable[[str], str],
    docker_config: Callable[..., str],
) -> None:
    config = docker_config(auths=_login(closed_registry.host, "secret"))

    pushed = infer("push", tagged(closed_registry.host), DOCKER_CONFIG=config)

    assert pushed.exit_code == 0, pushed.stderr


def test_the_password_comes_from_a_credential_helper(
    infer: Callable[..., Finished],
    closed_registry: Registry,
    tagged: Callable[[str], str],
    docker_config: Callable[..., str],
    tmp_path: Path,
) -> None:
    helper = tmp_path / "docker-credential-safe"
    secret = json.dumps({"ServerURL": closed_registry.host, "Username": "alice", "Secret": "secret"})
    helper.write_text(f"#!/bin/sh\n[ \"$(cat)\" = {closed_registry.host} ] && echo '{secret}'\n")
    helper.chmod(0o755)
    config = docker_config(credHelpers={closed_registry.host: "safe"})

    pushed = infer(
        "push",
        tagged(closed_registry.host),
        DOCKER_CONFIG=config,
        PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
    )

    assert pushed.exit_code == 0, pushed.stderr


def test_a_broken_helper_of_another_registry_does_no_harm(
    infer: Callable[..., Finished],
    closed_registry: Registry,
    tagged: Callable[[str], str],
    docker_config: Callable[..., str],
    base_image: str,
) -> None:
    config = docker_config(
        auths=_login(closed_registry.host, "secret"), credHelpers={"elsewhere.example": "no-such-helper"}
    )
    name = tagged(closed_registry.host)

    pushed = infer("push", name, DOCKER_CONFIG=config)
    built = infer("build", "--tag", name, "--base-image", base_image, DOCKER_CONFIG=config)

    assert pushed.exit_code == 0, pushed.stderr
    assert built.exit_code == 0, built.stderr


@pytest.mark.parametrize("login", [None, "wrong"], ids=["not logged in", "wrong password"])
def test_a_refused_push_says_how_to_log_in(
    infer: Callable[..., Finished],
    closed_registry: Registry,
    tagged: Callable[[str], str],
    docker_config: Callable[..., str],
    login: str | None,
) -> None:
    config = docker_config(auths=_login(closed_registry.host, login) if login else {})

    refused = infer("push", tagged(closed_registry.host), DOCKER_CONFIG=config)

    assert refused.exit_code == 1
    assert refused.stdout == ""
    assert "did not take" in refused.stderr
    assert f"docker login {closed_registry.host}" in refused.stderr


def test_a_broken_helper_of_the_registry_is_named(
    infer: Callable[..., Finished],
    closed_registry: Registry,
    tagged: Callable[[str], str],
    docker_config: Callable[..., str],
) -> None:
    config = docker_config(credHelpers={closed_registry.host: "no-such-helper"})

    refused = infer("push", tagged(closed_registry.host), DOCKER_CONFIG=config)

    assert refused.exit_code == 1
    assert "docker-credential-no-such-helper" in refused.stderr


def test_an_unreadable_configuration_is_named(
    infer: Callable[..., Finished], closed_registry: Registry, tagged: Callable[[str], str], tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text("{ not json")

    refused = infer("push", tagged(closed_registry.host), DOCKER_CONFIG=str(tmp_path))

    assert refused.exit_code == 1
    assert str(tmp_path / "config.json") in refused.stderr


def test_a_registry_that_does_not_answer_is_named(
    infer: Callable[..., Finished], tagged: Callable[[str], str], free_port: int
) -> None:
    refused = infer("push", tagged(f"127.0.0.1:{free_port}"))

    assert refused.exit_code == 1
    assert "connection refused" in refused.stderr
    assert f"127.0.0.1:{free_port}" in refused.stderr.splitlines()[-1]


def test_the_error_of_an_unknown_tag_lists_the_existing_images(
    infer: Callable[..., Finished], iris_image: str
) -> None:
    refused = infer("push", "127.0.0.1:5000/no/such:v1")

    assert refused.exit_code == 1
    assert "no image 127.0.0.1:5000/no/such:v1" in refused.stderr
    assert iris_image in refused.stderr


@pytest.fixture
def pushed(
    engine: Engine, infer: Callable[..., Finished], open_registry: Registry, iris_image: str
) -> Iterator[str]:
    """The name with digest of an image that a registry has and the engine does not have."""
    name = f"{open_registry.host}/team/pulled:v1"
    engine.api.tag(iris_image, name.rpartition(":")[0], "v1")
    reference = infer("push", name, "--json").record["reference"]
    engine.api.remove_image(name)
    yield reference
    for image in engine.api.images(filters={"reference": f"{open_registry.host}/team/pulled"}):
        for known in (*(image["RepoTags"] or ()), *(image["RepoDigests"] or ())):
            if known.startswith(f"{open_registry.host}/team/pulled") and find_image(engine, known):
                engine.api.remove_image(known)


@pytest.mark.parametrize("by", ["tag", "digest"])
def test_run_pulls_a_missing_image(
    infer: Callable[..., Finished], pushed: str, iris_folder: Path, service_name: str, free_port: int, by: str
) -> None:
    name = pushed if by == "digest" else f"{pushed.partition('@')[0]}:v1"
    options = ("--model-dir", str(iris_folder), "-d", "--name", service_name, "--port", str(free_port))

    refused = infer("run", name, *options, "--pull", "never")
    started = infer("run", name, *options)
    inspected = infer("inspect", name, "--json")

    assert refused.exit_code == 1
    assert f"there is no image {name} on this engine" in refused.stderr
    assert started.exit_code == 0, started.stderr
    assert f"Pulling {name} from " in started.stderr
    assert inspected.record["image"] == name


def test_run_pulls_again_with_pull_always(
    infer: Callable[..., Finished],
    engine: Engine,
    pushed: str,
    iris_folder: Path,
    service_name: str,
    free_port: int,
    base_image: str,
) -> None:
    """The registry and the engine have different images under the tag."""
    name = f"{pushed.partition('@')[0]}:v1"
    engine.api.tag(base_image, pushed.partition("@")[0], "v1")
    options = ("--model-dir", str(iris_folder), "-d", "--name", service_name, "--port", str(free_port))

    refused = infer("run", name, *options)
    started = infer("run", name, *options, "--pull", "always")

    assert "was not made by infer" in refused.stderr
    assert started.exit_code == 0, started.stderr


def test_run_explains_why_an_image_cannot_be_pulled(
    infer: Callable[..., Finished],
    open_registry: Registry,
    closed_registry: Registry,
    docker_config: Callable[..., str],
    iris_folder: Path,
    free_port: int,
) -> None:
    def error_of(host: str) -> str:
        name = f"{host}/team/none:v1"
        refused = infer("run", name, "--model-dir", str(iris_folder), DOCKER_CONFIG=docker_config())
        assert refused.exit_code == 1
        return refused.stderr

    unknown, closed, away = map(
        error_of, (open_registry.host, closed_registry.host, f"127.0.0.1:{free_port}")
    )

    assert f"cannot be pulled: the registry {open_registry.host} has no such image" in unknown
    assert f"hint: log in first: `docker login {closed_registry.host}`" in closed
    assert f"cannot be pulled: the registry 127.0.0.1:{free_port} does not answer" in away


def test_a_misspelt_image_name_gets_a_suggestion(
    infer: Callable[..., Finished], iris_image: str, iris_folder: Path
) -> None:
    name = iris_image.rpartition(":")[0]

    refused = infer("run", f"{name}:v2", "--model-dir", str(iris_folder), "--pull", "never")

    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[-2:] == [
        f"error: there is no image {name}:v2 on this engine",
        f"hint: did you mean {iris_image}?",
    ]
