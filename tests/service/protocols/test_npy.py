"""Arrays in NumPy's own format: read as NumPy reads them, and refused before they take memory."""

from __future__ import annotations

import io

import numpy as np
import pytest

from service.errors import InvalidInput
from service.protocols.npy import read_npy


def written(array: np.ndarray, version: tuple[int, int] = (1, 0)) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=version)
    return stream.getvalue()


def of_header(header: str, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + header.encode() + b"\n" + data


def claiming(descr: str, shape: tuple[int, ...], data: bytes = b"") -> bytes:
    return of_header(str({"descr": descr, "fortran_order": False, "shape": shape}), data)


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1.5, np.nan]]),
        np.array([[1, 2], [3, 4]], ">i2"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array([["red", "größer"]]),
        np.array([["red", "größer"]], ">U6"),
        np.array([[True, False]]),
        np.empty((0, 4)),
    ],
)
@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_arrays_are_read_as_numpy_reads_them(array: np.ndarray, version: tuple[int, int]) -> None:
    found = read_npy(written(array, version))

    assert found.shape == array.shape
    np.testing.assert_array_equal(found, array)


@pytest.mark.parametrize(
    "body",
    [
        # Values that take no byte, and more of them than any memory holds.
        claiming("<U0", (10**12, 4)),
        claiming("<f8", (10**12, 4)),
        claiming("<f8", (-1, 4), b"\0" * 32),
        claiming("<f8", (-1, -4), b"\0" * 32),
        claiming("<f8", (1, 4), b"\0" * 33),
        claiming("<f16", (1, 1), b"\0" * 16),
        claiming("<c16", (1, 1), b"\0" * 16),
        claiming("|O", (1, 1), b"\x80\x04N."),
        claiming("<U1", (1, 1), b"\xff\xff\xff\x7f"),
        claiming(">U1", (1, 1), b"\x7f\xff\xff\xff"),
        of_header("(" * 9000),
        of_header("-" * 9000 + "1"),
        b"\x93NUMPY\x03\x00",
        b"\x93NUMPY",
        b"",
    ],
)
def test_what_is_no_array_of_its_size_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_npy(body)
