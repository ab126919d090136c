from __future__ import annotations

import tarfile

import pytest

from infer_cli.reproducible_tar import FIXED_MTIME, fixed_entry


@pytest.mark.parametrize(
    ("size", "mode", "expected"),
    [
        pytest.param(None, 0o644, (tarfile.DIRTYPE, 0, 0o755), id="a folder"),
        pytest.param(7, 0o644, (tarfile.REGTYPE, 7, 0o644), id="a file"),
        pytest.param(0, 0o755, (tarfile.REGTYPE, 0, 0o755), id="an empty program"),
    ],
)
def test_an_entry_has_a_fixed_time_and_mode(
    size: int | None, mode: int, expected: tuple[bytes, int, int]
) -> None:
    entry = fixed_entry("x", size=size, mode=mode)

    assert (entry.type, entry.size, entry.mode) == expected
    assert entry.mtime == FIXED_MTIME
