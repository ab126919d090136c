from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.saving.own_modules import own_source

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_package_without_init_that_is_found_by_two_paths_is_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "project" / "mycode").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "project")
    monkeypatch.syspath_prepend(tmp_path / "project")
    monkeypatch.syspath_prepend(tmp_path / "link")

    assert own_source("mycode") == tmp_path / "project" / "mycode"


def test_of_a_package_without_init_only_what_is_not_installed_is_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("project", "site-packages"):
        (tmp_path / folder / "mycode").mkdir(parents=True)
        monkeypatch.syspath_prepend(tmp_path / folder)

    assert own_source("mycode") == tmp_path / "project" / "mycode"
