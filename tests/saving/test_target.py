"""A folder appears whole, or everything stays as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infer_cli.saving.failure import SaveFailed
from infer_cli.saving.target import drafted

if TYPE_CHECKING:
    from collections.abc import Callable


def write(folder: Path, text: str = "new") -> None:
    with drafted(folder) as (_, draft):
        (draft / "infer.json").write_text(json.dumps({"saved": text}))


def text_of(folder: Path) -> str:
    return str(json.loads((folder / "infer.json").read_text())["saved"])


def test_a_new_folder_and_its_parents_appear(tmp_path: Path) -> None:
    write(tmp_path / "models" / "iris")

    assert text_of(tmp_path / "models" / "iris") == "new"
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["iris"]


def test_what_was_saved_before_is_replaced(tmp_path: Path) -> None:
    write(tmp_path / "iris", "old")
    (tmp_path / "iris" / ".DS_Store").touch()
    (tmp_path / "iris" / "compiled").mkdir()
    (tmp_path / "iris" / "compiled" / "model.lean").touch()

    write(tmp_path / "iris")

    assert text_of(tmp_path / "iris") == "new"
    assert not (tmp_path / "iris" / "compiled").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["iris"]


def test_a_link_to_a_folder_stays(tmp_path: Path) -> None:
    write(tmp_path / "first", "old")
    (tmp_path / "current").symlink_to(tmp_path / "first")

    write(tmp_path / "current")

    assert (tmp_path / "current").is_symlink()
    assert text_of(tmp_path / "first") == "new"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_while_writing_changes_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    write(tmp_path / "iris", "old")

    def fail(folder: Path) -> None:
        with drafted(folder) as (_, draft):
            (draft / "model.pkl").write_bytes(b"half")
            raise error

    for folder in ("iris", "new/deep"):
        with pytest.raises(error):
            fail(tmp_path / folder)

    assert [path.name for path in tmp_path.iterdir()] == ["iris"]
    assert text_of(tmp_path / "iris") == "old"


def test_an_interrupt_between_the_last_steps_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "iris", "old")
    replace = Path.replace

    def interrupted(source: Path, target: Path) -> Path:
        if source.name == "iris" and source.parent != tmp_path:
            # The draft is about to become the folder.
            raise KeyboardInterrupt
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "iris")

    assert text_of(tmp_path / "iris") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["iris"]


def _notes_beside_a_saved_model(folder: Path) -> Path:
    write(folder / "iris", "old")
    (folder / "iris" / "notes.txt").touch()
    return folder / "iris"


def _other_folder(folder: Path) -> Path:
    (folder / "mine").mkdir()
    (folder / "mine" / "notes.txt").touch()
    return folder / "mine"


def _file(folder: Path) -> Path:
    (folder / "model").touch()
    return folder / "model"


def _within_a_file(folder: Path) -> Path:
    return _file(folder) / "iris"


def _read_only(_: Path) -> Path:
    # Nobody can make a folder there, not even root.
    return Path("/proc/iris")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(_notes_beside_a_saved_model, "also holds notes.txt", id="notes"),
        pytest.param(_other_folder, "did not write; nothing was changed", id="other"),
        pytest.param(_file, "is a file", id="file"),
        pytest.param(_within_a_file, "cannot write", id="in_a_file"),
        pytest.param(_read_only, "cannot write", id="read_only"),
    ],
)
def test_what_must_stay_stays(tmp_path: Path, make: Callable[[Path], Path], message: str) -> None:
    target = make(tmp_path)
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))

    with pytest.raises(SaveFailed, match=message) as caught:
        write(target)

    assert "hint: " in str(caught.value)
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before
