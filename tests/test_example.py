from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.errors import InferError
from infer_cli.example import write_example

if TYPE_CHECKING:
    from pathlib import Path


def test_the_example_is_written_into_a_new_folder(tmp_path: Path) -> None:
    files = write_example(tmp_path / "new" / "iris")

    assert files == (tmp_path / "new" / "iris" / "train.py", tmp_path / "new" / "iris" / "NEXT.md")
    assert all(file.stat().st_size for file in files)


@pytest.mark.parametrize("name", ["train.py", "NEXT.md"])
def test_a_file_that_exists_is_not_written_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")

    with pytest.raises(InferError, match=f"{name} exists already; nothing was written$"):
        write_example(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"
