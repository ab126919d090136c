from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.endpoints import Endpoint, candidate_endpoints
from infer_cli.errors import EngineUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

HOME = Path("/home/ada")


@pytest.fixture
def make_context(docker_config: Path) -> Callable[[str, str], Path]:
    """Write a Docker context as `docker context create` does; returns its file."""

    def make(name: str, text: str) -> Path:
        folder = docker_config / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
        folder.mkdir(parents=True)
        (folder / "meta.json").write_text(text)
        (docker_config / "config.json").write_text(json.dumps({"currentContext": name}))
        return folder / "meta.json"

    return make


def context_text(name: str, host: str) -> str:
    return json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}})


@pytest.mark.usefixtures("docker_config")
def test_without_a_choice_the_usual_sockets_are_tried_in_order() -> None:
    found = candidate_endpoints({"XDG_RUNTIME_DIR": "/run/user/7"}, HOME)

    assert [(endpoint.url, endpoint.is_chosen) for endpoint in found] == [
        ("unix:///var/run/docker.sock", False),
        ("unix:///run/user/7/docker.sock", False),
        ("unix:///home/ada/.docker/run/docker.sock", False),
        ("unix:///home/ada/.docker/desktop/docker.sock", False),
        ("unix:///home/ada/.colima/default/docker.sock", False),
        ("unix:///run/user/7/podman/podman.sock", False),
        ("unix:///run/podman/podman.sock", False),
    ]


@pytest.mark.usefixtures("docker_config")
def test_an_empty_variable_chooses_nothing() -> None:
    found = candidate_endpoints({"DOCKER_HOST": "", "DOCKER_CONTEXT": ""}, HOME)

    assert not any(endpoint.is_chosen for endpoint in found)


def test_docker_host_is_the_only_endpoint(make_context: Callable[[str, str], Path]) -> None:
    make_context("other", context_text("other", "tcp://other:2375"))

    found = candidate_endpoints({"DOCKER_HOST": "ssh://ada@big", "DOCKER_CONTEXT": "other"}, HOME)

    assert found == [Endpoint("ssh://ada@big", "DOCKER_HOST", is_chosen=True)]


def test_the_current_context_is_the_only_endpoint(make_context: Callable[[str, str], Path]) -> None:
    make_context("colima", context_text("colima", "unix:///colima.sock"))

    found = candidate_endpoints({}, HOME)

    assert found == [Endpoint("unix:///colima.sock", "current context 'colima'", is_chosen=True)]


def test_docker_context_wins_over_the_current_one(make_context: Callable[[str, str], Path]) -> None:
    make_context("far", context_text("far", "tcp://far:2375"))
    make_context("near", context_text("near", "unix:///near.sock"))

    found = candidate_endpoints({"DOCKER_CONTEXT": "far"}, HOME)

    assert found == [Endpoint("tcp://far:2375", "DOCKER_CONTEXT 'far'", is_chosen=True)]


def test_the_default_context_means_the_usual_sockets(make_context: Callable[[str, str], Path]) -> None:
    make_context("far", context_text("far", "tcp://far:2375"))

    found = candidate_endpoints({"DOCKER_CONTEXT": "default"}, HOME)

    assert found[0] == Endpoint("unix:///var/run/docker.sock", "Docker")


@pytest.mark.usefixtures("docker_config")
def test_a_missing_context_is_named() -> None:
    found = candidate_endpoints({"DOCKER_CONTEXT": "gone"}, HOME)

    assert found == [Endpoint("", "DOCKER_CONTEXT 'gone', which does not exist", is_chosen=True)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="no JSON"),
        pytest.param("{}", id="no endpoints"),
        pytest.param(
            '{"Name": "odd", "Metadata": {}, "Endpoints": {"docker": 1}}', id="an endpoint that is no object"
        ),
    ],
)
def test_a_damaged_context_is_an_error(make_context: Callable[[str, str], Path], text: str) -> None:
    make_context("odd", text)

    with pytest.raises(EngineUnavailable, match=r"^the current context 'odd' cannot be read: ") as raised:
        candidate_endpoints({}, HOME)

    assert raised.value.hint == "see `docker context ls`, or set DOCKER_HOST"


@pytest.mark.parametrize(
    ("verify", "expected"),
    [pytest.param("1", True, id="verified"), pytest.param("", False, id="not verified")],
)
def test_certificates_are_taken_from_the_folder(*, tmp_path: Path, verify: str, expected: bool) -> None:
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).touch()
    environ = {
        "DOCKER_HOST": "tcp://far:2376",
        "DOCKER_TLS_VERIFY": verify,
        "DOCKER_CERT_PATH": str(tmp_path),
    }

    [found] = candidate_endpoints(environ, HOME)

    assert found.tls is not None
    assert found.tls.cert == (str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    assert found.tls.ca_cert == str(tmp_path / "ca.pem")
    assert found.tls.verify is expected


def test_missing_certificates_are_an_error_that_names_their_folder(tmp_path: Path) -> None:
    environ = {"DOCKER_HOST": "tcp://far:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}

    with pytest.raises(EngineUnavailable, match=str(tmp_path)) as raised:
        candidate_endpoints(environ, HOME)

    assert raised.value.hint is not None
    assert "DOCKER_CERT_PATH" in raised.value.hint


@pytest.mark.parametrize(
    ("url", "is_local", "published_host", "engine_host"),
    [
        pytest.param("unix:///var/run/docker.sock", True, "127.0.0.1", "localhost", id="socket"),
        pytest.param("tcp://localhost:2375", False, "127.0.0.1", "localhost", id="tcp on this machine"),
        pytest.param("tcp://[::1]:2375", False, "127.0.0.1", "::1", id="tcp on this machine, IPv6"),
        pytest.param("tcp://big.example:2376", False, None, "big.example", id="tcp on another machine"),
        pytest.param("ssh://ada@big.example", False, None, "big.example", id="ssh"),
    ],
)
def test_an_endpoint_knows_how_to_reach_its_machine(
    *, url: str, is_local: bool, published_host: str | None, engine_host: str
) -> None:
    endpoint = Endpoint(url, "a test")

    assert endpoint.is_local is is_local
    assert endpoint.published_host == published_host
    assert endpoint.engine_host == engine_host
