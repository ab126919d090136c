from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from infer_cli import assets
from infer_cli.assets import Assets, find_assets

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[1]


def test_in_a_checkout_the_assets_are_beside_the_package() -> None:
    assert find_assets() == Assets(template=ROOT / "Dockerfile.template", service=ROOT / "service")


def test_once_installed_the_assets_are_inside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "assets").mkdir()
    monkeypatch.setattr(assets, "_PACKAGE", tmp_path)

    assert find_assets().template == tmp_path / "assets" / "Dockerfile.template"


def test_the_files_of_the_service_are_sorted_and_without_leftovers(tmp_path: Path) -> None:
    for name in (
        "app.py",
        "__main__.py",
        "static/page.js",
        "finish_image.py",
        "__pycache__/app.cpython-311.pyc",
        "static/__pycache__/x.pyc",
        ".app.py.swp",
        "native/forest.c",
        "native/native.h",
        "native/x86_64.so",
        "native/aarch64.so",
    ):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()

    files = Assets(template=tmp_path / "T", service=tmp_path).service_files("aarch64")

    assert [str(file) for file in files] == ["__main__.py", "app.py", "native/aarch64.so", "static/page.js"]


def test_the_script_of_the_build_is_not_a_file_of_the_service() -> None:
    found = find_assets()

    assert found.finish.is_file()
    assert Path("finish_image.py") not in found.service_files("x86_64")


def test_the_service_holds_the_files_that_start_it() -> None:
    names = {path.as_posix() for path in find_assets().service_files("x86_64")}

    assert {"native/x86_64.so"} <= names
    assert {
        "__init__.py",
        "__main__.py",
        "health.py",
        "requirements.txt",
        "tracing.txt",
        "web/templates/index.html",
    } <= names
