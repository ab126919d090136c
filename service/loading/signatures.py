"""The first bytes of model files, by which their formats are told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# What a zip starts with, and an ONNX model with the first of its fields.
ZIP_START = b"PK\x03\x04"
ONNX_START = b"\x08"
# A pickle (since 2003), then zlib, gzip, bzip2, lzma, xz and lz4.
PICKLE_STARTS = (b"\x80", b"x", b"\x1f", b"B", b"]", b"\xfd", b"\x04")
# How much tells them all apart.
START_BYTES = 64


def start_of(file: Path) -> bytes:
    """Read the first bytes of a file."""
    with file.open("rb") as stream:
        return stream.read(START_BYTES)


def is_known(start: bytes) -> bool:
    """Tell whether the first bytes are those of a zip, of a pickle, or of one that joblib compressed."""
    return start.startswith(ZIP_START) or start[:1] in PICKLE_STARTS
