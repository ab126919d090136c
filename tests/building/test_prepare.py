"""What infer chooses where the user leaves it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.building import prepare
from infer_cli.building.prepare import prepare_build
from infer_cli.building.request import BuildRequest
from infer_cli.errors import LockFailed, NothingFits, UsageError
from infer_cli.image.name import ImageName
from infer_cli.packages import resolution
from infer_cli.terminal.progress import PlainProgress

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.plan.build import BuildPlan

_NAME = ImageName.parse("iris:v1")


@pytest.fixture(autouse=True)
def _small_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """Choosing is the same for few packages as for many, and quicker."""
    monkeypatch.setattr(resolution, "image_requirements", lambda *_, added, **__: added)


def _prepare(**options: object) -> BuildPlan:
    request = BuildRequest(name=_NAME, **options)  # type: ignore[arg-type]  # the tests' own names
    return prepare_build(request, None, PlainProgress(verbose=False))


@pytest.mark.parametrize(
    ("platform", "own", "expected"),
    [
        pytest.param("linux/arm64", "x86_64", "arm64", id="chosen"),
        pytest.param(None, "x86_64", "amd64", id="Intel and AMD"),
        pytest.param(None, "AMD64", "amd64", id="as Windows calls it"),
        pytest.param(None, "arm64", "arm64", id="Apple"),
        pytest.param(None, "aarch64", "arm64", id="ARM"),
    ],
)
def test_without_an_engine_the_processor_is_this_machines(
    monkeypatch: pytest.MonkeyPatch, platform: str | None, own: str, expected: str
) -> None:
    monkeypatch.setattr("platform.machine", lambda: own)

    assert prepare._architecture(platform, None) == expected


def test_the_first_python_is_taken_if_everything_is_there() -> None:
    plan = _prepare(added_requirements=("blinker==1.9.0",))

    assert plan.base.reference == "python:3.11-slim"


def test_a_python_is_chosen_that_has_wheels_of_everything() -> None:
    # The last release with wheels for Python 3.10, and none for a later one.
    plan = _prepare(added_requirements=("scipy==1.7.3",), platform="linux/amd64")

    assert plan.base.reference == "python:3.10-slim"


def test_a_chosen_python_without_wheels_names_one_that_has_them() -> None:
    with pytest.raises(NothingFits) as raised:
        _prepare(added_requirements=("scipy==1.7.3",), python="3.12", platform="linux/amd64")

    assert "--base-image python:3.10-slim" in str(raised.value.hint)


def test_packages_without_wheels_for_any_python_are_an_error() -> None:
    with pytest.raises(NothingFits, match=r"Python 3\.11"):
        _prepare(added_requirements=("blinker==999",))


def test_a_new_lock_is_written_and_then_used(tmp_path: Path) -> None:
    path = tmp_path / "model.lock"
    first = _prepare(added_requirements=("blinker==1.8.2",), lock_file=path)

    second = _prepare(added_requirements=("blinker",), lock_file=path)

    assert path.read_text() == first.lock.text
    assert second.lock == first.lock


def test_a_lock_that_lacks_a_package_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.lock"
    _prepare(added_requirements=("blinker",), lock_file=path)

    with pytest.raises(LockFailed, match="does not fit the model"):
        _prepare(added_requirements=("blinker", "threadpoolctl"), lock_file=path)


def test_a_lock_for_another_python_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.lock"
    _prepare(added_requirements=("blinker",), lock_file=path, python="3.12")

    with pytest.raises(UsageError, match=r"is for Python 3\.12"):
        _prepare(added_requirements=("blinker",), lock_file=path, python="3.13")


def test_a_lock_chooses_its_own_python(tmp_path: Path) -> None:
    path = tmp_path / "model.lock"
    _prepare(added_requirements=("blinker",), lock_file=path, python="3.12")

    assert _prepare(added_requirements=("blinker",), lock_file=path).base.python == "3.12"
