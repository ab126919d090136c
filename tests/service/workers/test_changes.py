from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.workers import changes
from service.workers.changes import Changes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    monkeypatch.setattr(changes, "LOOK_EVERY_S", 0)
    (tmp_path / "a").write_text("first")
    return [tmp_path / "a", tmp_path / "b"]


def test_a_change_is_told_once_it_has_settled(files: list[Path]) -> None:
    looked = Changes(files)
    found = [looked.look()]
    files[0].write_text("half")
    found.append(looked.look())
    files[0].write_text("the whole")

    found += [looked.look() for _ in range(4)]

    assert found == [False, False, False, True, False, False]
    # A file that comes later, or goes, is a change, too.
    for change in (files[1].touch, files[1].unlink):
        change()
        assert [looked.look() for _ in range(3)] == [False, True, False]


def test_what_is_known_is_no_change(files: list[Path]) -> None:
    looked = Changes(files)
    files[0].write_text("another")
    looked.note()

    assert [looked.look() for _ in range(3)] == [False] * 3


def test_a_file_that_is_away_is_waited_for(files: list[Path]) -> None:
    looked = Changes(files)
    files[0].unlink()
    assert [looked.look() for _ in range(3)] == [False] * 3

    files[0].write_text("again")

    assert [looked.look() for _ in range(3)] == [False, True, False]


def test_without_files_nothing_changes() -> None:
    assert Changes([]).look() is False
