"""Content that zlib compressed is read to its end, and nothing may follow it."""

from __future__ import annotations

import io
import zlib

import pytest

from service.errors import Forbidden
from service.loading.compression import decompressed

CONTENT = bytes(range(256)) * 4000 + b"\0" * 300_000


@pytest.mark.parametrize("level", [0, 1, 9])
def test_what_zlib_compressed_is_read_as_it_was(level: int) -> None:
    packed = zlib.compress(CONTENT, level)

    # joblib writes any level; the first byte alone tells the format.
    assert decompressed(io.BytesIO(packed)).read() == CONTENT


@pytest.mark.parametrize("rest", [b"\0", b"junk" * 5, zlib.compress(CONTENT), b"\0" * 400_000])
def test_what_follows_the_end_is_refused(rest: bytes) -> None:
    with pytest.raises(Forbidden, match="goes on after the end"):
        decompressed(io.BytesIO(zlib.compress(CONTENT) + rest)).read()


@pytest.mark.parametrize("size", [2, 100, -1])
def test_what_is_cut_short_ends_with_an_error(size: int) -> None:
    with pytest.raises(EOFError):
        decompressed(io.BytesIO(zlib.compress(CONTENT)[:size])).read()
