"""The first bytes of model files, by which their formats are told apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# A zip starts with its magic number, an ONNX model with the tag of its first field.
ZIP_START = b"PK\x03\x04"
ONNX_START = b"\x08"
# A pickle of protocol 2 (of 2003) or newer, then zlib, gzip, bzip2, lzma, xz and lz4.
PICKLE_STARTS = (b"\x80", b"x", b"\x1f", b"B", b"]", b"\xfd", b"\x04")
# How pickles of protocols 0 and 1 begin: an empty dictionary or list, or the name of a class or function.
OLD_PICKLE = re.compile(rb"\([dl]p0\n|[]}]q\0|\(?c[\w.]+\n\w+\n(p0\n|q\0|\()")
# This many bytes tell all formats apart.
START_BYTES = 64


def start_of(file: Path) -> bytes:
    """Read the first bytes of a file."""
    with file.open("rb") as stream:
        return stream.read(START_BYTES)


def is_known(start: bytes) -> bool:
    """Tell whether the first bytes are those of a zip, a pickle, or a pickle that joblib compressed."""
    is_pickle = start[:1] in PICKLE_STARTS or OLD_PICKLE.match(start) is not None
    return is_pickle or start.startswith(ZIP_START)
