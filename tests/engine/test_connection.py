from __future__ import annotations

import platform
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests
from docker.errors import APIError, DockerException

from infer_cli.engine import connection
from infer_cli.engine.connection import connect, data_folder, explanation, translated
from infer_cli.errors import EngineError, EngineUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.engine.connection import Engine
    from tests.engine.fake_engine import FakeEngine


@pytest.fixture
def no_sockets(docker_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without an engine; returns the only socket path that infer looks at."""
    assert docker_config.is_dir()
    path = tmp_path / "engine.sock"
    monkeypatch.setattr("infer_cli.engine.endpoints._usual_sockets", lambda *_: [(path, "Docker")])
    return path


@pytest.fixture
def silent_socket() -> Iterator[str]:
    """The address of a socket that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"


def test_a_connection_describes_its_engine(engine: Engine) -> None:
    assert engine.is_local
    assert engine.version
    assert tuple(map(int, engine.api_version.split("."))) >= (1, 41)
    assert engine.architecture in ("amd64", "arm64")


def test_the_engine_names_the_folder_of_its_images(engine: Engine) -> None:
    assert data_folder(engine) is not None


def test_an_engine_may_not_name_the_folder_of_its_images(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.answer("info", {})

    assert data_folder(fake) is None


def test_the_first_usual_socket_that_answers_is_taken(
    fake_engine: FakeEngine, no_sockets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets = [(no_sockets, "Docker"), (fake_engine.socket, "Podman")]
    monkeypatch.setattr("infer_cli.engine.endpoints._usual_sockets", lambda *_: sockets)

    engine = connect({})

    assert engine.endpoint.source == "Podman"
    engine.api.close()


def test_the_default_environment_is_the_one_of_the_process(
    fake_engine: FakeEngine, docker_config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert docker_config.is_dir()
    monkeypatch.setenv("DOCKER_HOST", fake_engine.url)

    engine = connect()

    assert engine.endpoint.url == fake_engine.url
    engine.api.close()


@pytest.mark.usefixtures("docker_config")
@pytest.mark.parametrize(
    ("host", "reason"),
    [
        pytest.param("unix:///nowhere/engine.sock", "no such socket", id="no socket"),
        pytest.param("tcp://127.0.0.1:1", "connection refused", id="no server on the port"),
        pytest.param("tcp://127.0.0.1:port", "not an address", id="port without a number"),
        pytest.param("tcp://[::1", "not an address", id="open bracket"),
        pytest.param("gopher://here", "Invalid bind address protocol: gopher://here", id="unknown protocol"),
    ],
)
def test_a_chosen_engine_that_does_not_answer_is_named(host: str, reason: str) -> None:
    with pytest.raises(EngineUnavailable, match=r"^no Docker engine answers$") as raised:
        connect({"DOCKER_HOST": host})

    assert raised.value.detail == f"tried:\n  {host} (DOCKER_HOST): {reason}"
    assert raised.value.hint == "start that engine, or choose another one: DOCKER_HOST names the address"


@pytest.mark.usefixtures("docker_config")
def test_the_connection_to_a_silent_engine_times_out(
    silent_socket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_CONNECT_TIMEOUT_S", 0.2)

    with pytest.raises(EngineUnavailable) as raised:
        connect({"DOCKER_HOST": silent_socket})

    assert str(raised.value.detail).endswith("(DOCKER_HOST): no answer in time")


@pytest.mark.usefixtures("docker_config")
def test_a_missing_context_is_named() -> None:
    with pytest.raises(EngineUnavailable) as raised:
        connect({"DOCKER_CONTEXT": "gone"})

    expected = "tried:\n  - (DOCKER_CONTEXT 'gone', which does not exist): see `docker context ls`"
    assert raised.value.detail == expected


def test_a_server_with_other_json_is_no_engine(fake_engine: FakeEngine, docker_config: Path) -> None:
    assert docker_config.is_dir()
    fake_engine.version = {"hello": "world"}

    with pytest.raises(EngineUnavailable, match=r"^no Docker engine answers$"):
        connect({"DOCKER_HOST": fake_engine.url})


def test_a_server_without_json_is_no_engine(fake_engine: FakeEngine, docker_config: Path) -> None:
    assert docker_config.is_dir()
    fake_engine.answer("version", "<h1>It works!</h1>")

    with pytest.raises(EngineUnavailable, match=r"^no Docker engine answers$"):
        connect({"DOCKER_HOST": fake_engine.url})


@pytest.mark.parametrize("api_version", ["1.40", "1.24"])
def test_an_old_engine_is_refused(fake_engine: FakeEngine, docker_config: Path, api_version: str) -> None:
    assert docker_config.is_dir()
    fake_engine.version = {"Version": "19.03.15", "ApiVersion": api_version}

    with pytest.raises(
        EngineUnavailable, match=rf"too old: version 19\.03\.15, API {api_version}; "
    ) as raised:
        connect({"DOCKER_HOST": fake_engine.url})

    assert raised.value.hint == "update it to Docker 20.10 or newer, or Podman 4 or newer"


def test_a_broken_docker_configuration_is_named(fake_engine: FakeEngine, docker_config: Path) -> None:
    (docker_config / "config.json").write_text('{"auths": {"localhost:5000": {"auth": "no base64"}}}')

    with pytest.raises(EngineUnavailable, match=r"^the Docker configuration file cannot be read: ") as raised:
        connect({"DOCKER_HOST": fake_engine.url})

    assert raised.value.hint == "fix or remove ~/.docker/config.json"


@pytest.mark.parametrize(
    ("system", "program", "hint"),
    [
        pytest.param("Darwin", None, "start it: `open -a Docker`, or ", id="macOS"),
        pytest.param("Linux", None, "install it: `sudo apt-get install docker.io`", id="not installed"),
        pytest.param("Linux", "/usr/sbin/dockerd", "start it: `sudo ", id="installed"),
    ],
)
def test_without_an_engine_the_hint_says_how_to_start_one(
    no_sockets: Path, monkeypatch: pytest.MonkeyPatch, system: str, program: str | None, hint: str
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(shutil, "which", lambda _: program)

    with pytest.raises(EngineUnavailable) as raised:
        connect({})

    assert raised.value.detail == f"tried:\n  unix://{no_sockets} (Docker): no such socket"
    assert str(raised.value.hint).startswith(hint)


@pytest.mark.parametrize(
    ("is_systemd", "hint"),
    [
        pytest.param(True, "start it: `sudo systemctl start docker`", id="systemd"),
        pytest.param(False, "start it: `sudo dockerd &`", id="no systemd"),
    ],
)
def test_the_hint_starts_an_installed_engine_as_the_system_starts_services(
    *, no_sockets: Path, monkeypatch: pytest.MonkeyPatch, is_systemd: bool, hint: str
) -> None:
    assert not no_sockets.exists()
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/sbin/dockerd")
    monkeypatch.setattr(Path, "is_dir", lambda path: is_systemd and path == Path("/run/systemd/system"))

    with pytest.raises(EngineUnavailable) as raised:
        connect({})

    assert raised.value.hint == hint


def test_a_forbidden_socket_says_how_to_get_access(no_sockets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may use any socket, so the refusal is simulated."""
    no_sockets.touch()

    def refuse(*_: object, **__: object) -> None:
        raise DockerException("('Connection aborted.', PermissionError(13, 'Permission denied'))")

    monkeypatch.setattr("docker.APIClient", refuse)

    with pytest.raises(EngineUnavailable) as raised:
        connect({})

    assert str(raised.value.detail).endswith(": permission denied")
    assert str(raised.value.hint).startswith("allow yourself to use the engine: ")


@pytest.mark.parametrize(
    ("foreign", "kind", "message"),
    [
        pytest.param(
            APIError("500 Server Error", explanation="it is read-only\n"),
            EngineError,
            "cannot tag iris: it is read-only",
            id="refused",
        ),
        pytest.param(
            requests.exceptions.ConnectionError("gone"),
            EngineUnavailable,
            "cannot tag iris: the engine stopped answering (gone)",
            id="gone",
        ),
        pytest.param(
            DockerException("odd"), EngineError, "cannot tag iris: odd", id="another error of the SDK"
        ),
    ],
)
def test_errors_of_the_sdk_are_translated(foreign: Exception, kind: type[EngineError], message: str) -> None:
    with pytest.raises(EngineError) as raised, translated("tag iris"):
        raise foreign

    assert type(raised.value) is kind
    assert raised.value.message == message
    assert raised.value.__cause__ is foreign


def test_other_errors_pass_unchanged() -> None:
    with pytest.raises(KeyError), translated("tag iris"):
        raise KeyError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(APIError("500", explanation=" denied "), "denied", id="an explanation of the engine"),
        pytest.param(ValueError("odd"), "odd", id="no explanation"),
    ],
)
def test_the_explanation_is_the_engines_own_message(error: Exception, text: str) -> None:
    assert explanation(error) == text
