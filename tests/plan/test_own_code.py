from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.errors import InferError
from infer_cli.plan.own_code import collect_code

if TYPE_CHECKING:
    from pathlib import Path


def _write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")


def test_a_package_keeps_its_name(tmp_path: Path) -> None:
    _write(tmp_path, "shop/__init__.py", "shop/columns.py", "shop/data/codes.csv")

    code = collect_code([tmp_path / "shop"])

    assert code.modules == {"shop"}
    assert [str(place) for place, _ in code.files] == [
        "shop/__init__.py",
        "shop/columns.py",
        "shop/data/codes.csv",
    ]


def test_a_folder_of_modules_gives_its_modules_at_the_top_level(tmp_path: Path) -> None:
    _write(tmp_path, "src/columns.py", "src/shop/__init__.py")

    code = collect_code([tmp_path / "src"])

    assert code.modules == {"columns", "shop"}


def test_a_single_module_comes_without_its_neighbours(tmp_path: Path) -> None:
    _write(tmp_path, "columns.py", "other.py")

    assert collect_code([tmp_path / "columns.py"]).modules == {"columns"}


def test_caches_and_hidden_files_are_left_out(tmp_path: Path) -> None:
    _write(tmp_path, "src/columns.py", "src/__pycache__/columns.pyc", "src/.git/config", "src/.env")

    code = collect_code([tmp_path / "src"])

    assert [str(place) for place, _ in code.files] == ["columns.py"]


def test_a_folder_without_python_code_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, "notes/readme.txt")

    with pytest.raises(InferError, match="no Python code"):
        collect_code([tmp_path / "notes"])


def test_two_files_with_the_same_path_are_refused(tmp_path: Path) -> None:
    _write(tmp_path, "one/columns.py", "two/columns.py")

    with pytest.raises(InferError, match="would be the same module"):
        collect_code([tmp_path / "one", tmp_path / "two"])
