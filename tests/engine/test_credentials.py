from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.connection import connect
from infer_cli.engine.credentials import credentials_for, without_credentials
from infer_cli.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.engine.fake_engine import FakeEngine

# Docker Hub's entry is under this address, as `docker login` writes it.
HUB = "https://index.docker.io/v1/"
HELPER = """\
#!/bin/sh
read -r registry
echo "$registry" >> "{asked}"
printf '{{"ServerURL": "%s", "Username": "helped", "Secret": "s3cret"}}' "$registry"
"""
BROKEN_HELPER = "#!/bin/sh\necho 'the keychain is locked' >&2\nexit 1\n"


@pytest.fixture
def configured(
    docker_config: Path, fake_engine: FakeEngine
) -> Iterator[Callable[[dict[str, object]], Engine]]:
    """Connect with a Docker configuration."""
    engines = []

    def make(config: dict[str, object]) -> Engine:
        (docker_config / "config.json").write_text(json.dumps(config))
        engines.append(connect({"DOCKER_HOST": fake_engine.url}))
        return engines[-1]

    yield make
    for engine in engines:
        engine.api.close()


@pytest.fixture
def add_helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Put a credential helper on the PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def add(name: str, script: str) -> None:
        program = tmp_path / f"docker-credential-{name}"
        program.write_text(script)
        program.chmod(0o755)

    return add


def login(name: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("entry", "registry"),
    [
        pytest.param("localhost:5000", "localhost:5000", id="a registry"),
        pytest.param("https://ghcr.io", "ghcr.io", id="an entry with its scheme"),
        pytest.param(HUB, "docker.io", id="Docker Hub"),
    ],
)
def test_a_login_is_found_by_its_registry(
    configured: Callable[..., Engine], entry: str, registry: str
) -> None:
    engine = configured({"auths": {entry: login("ada", "pass:word")}})

    found = credentials_for(engine, registry)

    assert found is not None
    assert (found["username"], found["password"]) == ("ada", "pass:word")


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({}, id="an empty file"),
        pytest.param({"auths": {"ghcr.io": login("ada", "x")}}, id="a login for another registry"),
        pytest.param({"auths": {"localhost:5000": {}}}, id="an entry without a login"),
    ],
)
def test_without_a_login_there_are_no_credentials(
    configured: Callable[..., Engine], config: dict[str, object]
) -> None:
    assert credentials_for(configured(config), "localhost:5000") is None


def test_only_the_helper_of_the_registry_runs(
    configured: Callable[..., Engine], add_helper: Callable[[str, str], None], tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    add_helper("good", HELPER.format(asked=asked))
    add_helper("broken", BROKEN_HELPER)
    engine = configured({"credHelpers": {"localhost:5000": "good", "ghcr.io": "broken", "quay.io": "gone"}})

    found = credentials_for(engine, "localhost:5000")

    assert found is not None
    assert (found["Username"], found["Password"]) == ("helped", "s3cret")
    assert asked.read_text() == "localhost:5000\n"


@pytest.mark.parametrize("helper", [pytest.param("broken", id="fails"), pytest.param("gone", id="missing")])
def test_a_failing_helper_is_an_error_that_names_its_registry(
    configured: Callable[..., Engine], add_helper: Callable[[str, str], None], helper: str
) -> None:
    add_helper("broken", BROKEN_HELPER)
    engine = configured({"credHelpers": {"ghcr.io": helper}})

    with pytest.raises(EngineError, match=r"^the credential helper for ghcr\.io failed: ") as raised:
        credentials_for(engine, "ghcr.io")

    assert raised.value.hint == "fix the helper, or log in again: `docker login ghcr.io`"


def test_a_configuration_that_cannot_be_read_is_an_error(
    configured: Callable[..., Engine], docker_config: Path
) -> None:
    """The SDK would treat it as empty."""
    engine = configured({})
    (docker_config / "config.json").write_text("{")

    with pytest.raises(EngineError, match=r"config\.json cannot be read: ") as raised:
        credentials_for(engine, "localhost:5000")

    assert str(raised.value.hint).startswith("fix the file")


def test_credentials_are_hidden_only_within_the_block(configured: Callable[..., Engine]) -> None:
    engine = configured({"auths": {"localhost:5000": login("ada", "secret")}})

    with without_credentials(engine):
        hidden = credentials_for(engine, "localhost:5000")

    assert hidden is None
    assert credentials_for(engine, "localhost:5000") is not None
