from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.building import checks
from infer_cli.building.checks import Finding, run_checks
from infer_cli.errors import EngineError, EngineUnavailable
from infer_cli.image.base import official_base
from infer_cli.packages.lock import Lock
from tests.running.conftest import HERE, THERE, make_engine

if TYPE_CHECKING:
    from pathlib import Path

OFFICIAL = official_base("3.11")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine where all is well: an engine here, a base image, and an index that answers."""
    monkeypatch.delenv("INFER_BASE_IMAGE", raising=False)
    monkeypatch.setattr(checks, "connect", lambda: make_engine(HERE))
    monkeypatch.setattr(checks, "data_folder", lambda _: tmp_path)
    monkeypatch.setattr(checks, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(checks, "find_image", lambda _, name: name if name == OFFICIAL else None)
    monkeypatch.setattr(checks, "resolve_lock", lambda *_, **__: Lock("joblib==1.5.0"))
    monkeypatch.setattr(checks, "_NEEDED_BYTES", 1)
    return monkeypatch


def findings() -> dict[str, Finding]:
    return {finding.check: finding for finding in run_checks()}


@pytest.mark.usefixtures("machine")
def test_everything_may_be_well() -> None:
    found = findings()

    assert list(found) == ["engine", "engine's disk", "base image", "package cache", "package index"]
    assert all(finding.is_well and finding.advice is None for finding in found.values())
    assert found["base image"].value == OFFICIAL
    assert found["package index"].message == "answers (joblib 1.5.0)"


def test_without_an_engine_its_disk_and_images_are_not_checked(machine: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise EngineUnavailable("no engine answers", detail="tried:\n  nothing", hint="start one")

    machine.setattr(checks, "connect", fail)

    found = findings()

    assert list(found) == ["engine", "package cache", "package index"]
    assert found["engine"] == Finding(
        "engine", is_well=False, message="no engine answers", advice="tried:\n  nothing\nstart one"
    )


def test_a_disk_with_little_space_is_found(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(checks, "_NEEDED_BYTES", 10**18)

    found = findings()

    assert not found["engine's disk"].is_well
    assert "docker system prune" in str(found["engine's disk"].advice)
    assert not found["package cache"].is_well
    assert "INFER_CACHE_DIR" in str(found["package cache"].advice)


def test_the_disk_of_an_engine_elsewhere_is_not_looked_at(machine: pytest.MonkeyPatch) -> None:
    machine.setattr(checks, "connect", lambda: make_engine(THERE))

    assert findings()["engine's disk"].message == "on another machine, not looked at"


@pytest.mark.parametrize(
    ("local", "registry", "expected"),
    [
        pytest.param(
            None,
            True,
            Finding("base image", is_well=True, message=f"{OFFICIAL} can be pulled", value=OFFICIAL),
            id="in the registry",
        ),
        pytest.param(
            None,
            False,
            Finding(
                "base image",
                is_well=True,
                message=f"{OFFICIAL} must be pulled; the engine cannot check that it can be",
                value=OFFICIAL,
            ),
            id="perhaps in the registry",
        ),
        pytest.param(
            None,
            None,
            Finding("base image", is_well=False, message="no registry", advice="make one: `infer base`"),
            id="nowhere",
        ),
        pytest.param(
            "infer-base:3.11",
            None,
            Finding(
                "base image",
                is_well=True,
                message=f"infer-base:3.11 is on the engine; {OFFICIAL} cannot be pulled",
                advice="build with --base-image infer-base:3.11, or export INFER_BASE_IMAGE=infer-base:3.11",
                value="infer-base:3.11",
            ),
            id="of our own making",
        ),
    ],
)
def test_a_base_image_is_looked_for(
    *, machine: pytest.MonkeyPatch, local: str | None, registry: bool | None, expected: Finding
) -> None:
    def ask(*_: object) -> bool:
        if registry is None:
            raise EngineError("no registry")
        return registry

    machine.setattr(checks, "find_image", lambda _, name: name if name == local else None)
    machine.setattr(checks, "registry_knows", ask)

    assert findings()["base image"] == expected


def test_an_index_that_does_not_answer_is_found(machine: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise EngineError("no answer", hint="check the proxy")

    machine.setattr(checks, "resolve_lock", fail)

    assert findings()["package index"] == Finding(
        "package index", is_well=False, message="no answer", advice="check the proxy"
    )
