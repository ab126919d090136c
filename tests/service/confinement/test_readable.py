from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from service.confinement.readable import readable_paths
from service.schema.declared import FILE_NAME
from service.settings import Settings

if TYPE_CHECKING:
    import pytest


def test_the_model_and_what_is_declared_of_it_but_not_its_folder(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "model.pkl", model_schema=tmp_path / "schema" / "it.json")

    found = readable_paths(settings, {})

    for file in ("model.pkl", FILE_NAME, "schema/it.json"):
        assert str(tmp_path / file) in found
    assert str(tmp_path) not in found
    assert str(tmp_path / "schema") not in found


def test_python_and_its_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", "relative", str(tmp_path / "packages")])

    found = readable_paths(Settings(tmp_path / "model.pkl"), {"LD_LIBRARY_PATH": f"{tmp_path}/lib:"})

    for folder in (sys.prefix, sys.base_prefix, str(tmp_path / "packages"), str(tmp_path / "lib")):
        assert folder in found
    assert not [path for path in found if not Path(path).is_absolute()]


def test_neither_the_home_nor_a_folder_above_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home" / "ada"
    code = home / "project"
    monkeypatch.setattr(sys, "path", [str(home), str(home.parent), str(code)])
    settings = Settings(home / "model.pkl", reads=(home, Path("/"), home / "data"))

    found = readable_paths(settings, {"HOME": str(home)})

    assert not {str(home), str(home.parent), "/"} & set(found)
    assert {str(code), str(home / "data"), str(home / "model.pkl")} <= set(found)


def test_no_file_of_etc_that_holds_secrets() -> None:
    found = readable_paths(Settings(Path("/data/model.pkl")), {})

    assert "/etc" not in found
    assert not [path for path in found if "shadow" in path or "ssh" in path]
