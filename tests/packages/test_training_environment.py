"""The current environment is read from its files; none of its code runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from infer_cli.inspection import Requirement, inspect_model
from infer_cli.packages.training_environment import (
    current_environment,
    read_environment,
    training_environment,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.packages.training_environment import Environment


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty environment of Python 3.12."""
    folder = tmp_path / "env"
    (folder / "lib" / "python3.12" / "site-packages").mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.12.4\n")
    return folder


@pytest.fixture
def install(folder: Path) -> Callable[..., None]:
    """Write the metadata files of a package, as an installer does."""

    def write(name: str, version: str | None, *requires: str, python: str = "3.12") -> None:
        info = folder / f"lib/python{python}/site-packages/{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        lines = [
            "Metadata-Version: 2.1",
            f"Name: {name}",
            *(f"Requires-Dist: {requirement}" for requirement in requires),
        ]
        lines += [f"Version: {version}"] if version else []
        (info / "METADATA").write_text("\n".join(lines) + "\n")

    return write


def environment(folder: Path) -> Environment:
    found = read_environment(folder)
    assert found is not None
    return found


def need(text: str) -> Requirement:
    name, specifier = text.split(" ") if " " in text else (text, "")
    return Requirement(name, specifier, "a test")


def test_an_environment_knows_its_python_and_packages(folder: Path, install: Callable[..., None]) -> None:
    install("Scikit-Learn", "1.7.2")

    found = environment(folder)

    assert (found.folder, found.python) == (folder, "3.12")
    assert found.version_of("scikit_learn") == "1.7.2"
    assert found.version_of("numpy") is None


@pytest.mark.parametrize(
    ("configured", "python"),
    [("version = 3.11.9\n", "3.11"), ("version = 3.9.1\n", "3.13"), ("", "3.13"), (None, "3.13")],
)
def test_among_several_pythons_the_configured_one_is_taken(
    folder: Path, configured: str | None, python: str
) -> None:
    for name in ("3.11", "3.13"):
        (folder / f"lib/python{name}/site-packages").mkdir(parents=True)
    if configured is None:
        (folder / "pyvenv.cfg").unlink()
    else:
        (folder / "pyvenv.cfg").write_text(configured)

    assert environment(folder).python == python


def test_a_folder_without_python_is_no_environment(tmp_path: Path) -> None:
    assert read_environment(tmp_path) is None
    assert read_environment(tmp_path / "none") is None


def test_a_package_of_an_interrupted_installation_does_not_count(
    folder: Path, install: Callable[..., None]
) -> None:
    install("numpy", None)
    install("scipy", "unknown")

    found = environment(folder)

    assert (found.version_of("numpy"), found.version_of("scipy")) == (None, None)


@pytest.mark.parametrize(
    ("needs", "is_satisfied"),
    [
        pytest.param(["scikit-learn ==1.7.2", "numpy >=2", "pandas"], True, id="every package is installed"),
        pytest.param(["scikit-learn ==1.7.1", "numpy >=2"], False, id="another version wrote the file"),
        pytest.param(["scikit-learn ==1.7.2", "numpy <2"], False, id="a version outside the deduced range"),
        pytest.param(["scikit-learn ==1.7.2", "lightgbm"], False, id="a package is missing"),
        pytest.param(["xgboost ==3.2.0"], True, id="a drop-in replacement is installed"),
        pytest.param(["pandas <3"], True, id="a pre-release"),
    ],
)
def test_an_environment_satisfies_the_needs_of_a_model(
    folder: Path, install: Callable[..., None], needs: list[str], *, is_satisfied: bool
) -> None:
    for name, version in (
        ("scikit-learn", "1.7.2"),
        ("numpy", "2.3.4"),
        ("pandas", "2.3.0rc1"),
        ("xgboost-cpu", "3.2.0"),
    ):
        install(name, version)

    assert environment(folder).satisfies(map(need, needs)) is is_satisfied


def test_versions_of_packages_include_their_dependencies(folder: Path, install: Callable[..., None]) -> None:
    install("scikit-learn", "1.7.2", "numpy>=1.22", "SciPy>=1.8", "pytest>=7 ; extra == 'tests'")
    install("numpy", "2.3.4")
    install("scipy", "1.16.2", "numpy", "scikit-learn")
    install("pytest", "9.0", "???")
    install("rich", "14.0")
    install("xgboost", "3.2.0", "numpy", "old-typing ; python_version < '3.12'", "???")
    install("old-typing", "1.0")

    found = environment(folder).versions_for(["Scikit_Learn", "xgboost-cpu", "unknown"])

    assert found == {
        "numpy": "2.3.4",
        "scikit-learn": "1.7.2",
        "scipy": "1.16.2",
        "xgboost": "3.2.0",
        "xgboost-cpu": "3.2.0",
    }
    assert list(found) == sorted(found)


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_the_active_environment_is_the_current_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setenv("CONDA_PREFIX", "/conda")
    monkeypatch.setenv(variable, str(folder))

    found = current_environment()

    assert found is not None
    assert found.folder == folder


def test_without_an_active_environment_the_one_of_infer_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(variable, raising=False)

    found = current_environment()

    assert found is not None
    assert str(found.folder) == sys.prefix
    assert found.version_of("pytest") == pytest.__version__


def test_the_training_environment_must_satisfy_the_model(
    iris_folder: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = inspect_model(iris_folder / "model.pkl")

    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    assert training_environment(model) is not None
    monkeypatch.setenv("VIRTUAL_ENV", str(folder))
    assert training_environment(model) is None
    monkeypatch.setenv("VIRTUAL_ENV", "/none")
    assert training_environment(model) is None
