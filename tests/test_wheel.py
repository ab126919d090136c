"""What is installed from a wheel is what a checkout has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infer_cli.assets import find_assets

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished

_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--installer", "uv", "--wheel", "--outdir", str(folder), str(_ROOT)],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_wheel_carries_the_service_the_template_and_the_example(wheel: Path) -> None:
    assets = find_assets()
    files = {path for machine in ("x86_64", "aarch64") for path in assets.service_files(machine)}
    files |= {path.relative_to(assets.service) for path in assets.service.glob("native/*.[ch]")}
    expected = {f"infer_cli/assets/service/{path.as_posix()}" for path in files}
    expected |= {"infer_cli/assets/service/finish_image.py", "infer_cli/assets/Dockerfile.template"}
    expected |= {"infer_cli/assets/examples/iris/train.py"}

    carried = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("infer_cli/assets/")}

    assert carried == expected


def test_wheel_installs_one_package_and_its_types(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"infer_cli"}
    assert "infer_cli/py.typed" in names


def test_installed_infer_plans_the_same_build_as_the_checkout(wheel: Path, tmp_path: Path) -> None:
    python = tmp_path / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(tmp_path)], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), str(wheel)], check=True)
    command = ["-m", "infer_cli", "build", "--tag", "x:v1", "--base-image", "python:3.11-slim", "--dry-run"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}

    def plan(interpreter: Path | str, folder: Path) -> str:
        finished = subprocess.run(
            [interpreter, *command], cwd=folder, env=clean, check=True, capture_output=True, text=True
        )
        return finished.stdout

    assert plan(python, tmp_path) == plan(sys.executable, _ROOT)


def test_the_tested_program_comes_from_where_it_was_chosen(
    infer: Callable[..., Finished], infer_program: tuple[str, ...], tmp_path: Path
) -> None:
    """From the environment of an installed program, and of the checkout otherwise."""
    shown = infer("--version", cwd=tmp_path, PYTHONVERBOSE="1").stderr

    # "code object from FILE", or "CACHE matches FILE" where bytecode was kept.
    imported = re.findall(r"(?:code object from|matches) (\S+/infer_cli/\S+\.py)$", shown, re.MULTILINE)
    is_checkout = infer_program[0] == sys.executable
    expected = _ROOT if is_checkout else Path(infer_program[0]).parent.parent
    assert imported
    assert {path for path in imported if not Path(path).is_relative_to(expected)} == set()
    assert is_checkout or not expected.is_relative_to(_ROOT)
