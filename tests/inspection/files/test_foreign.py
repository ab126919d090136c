"""The refusal of a file that is no model says what the file is, and what to do."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.errors import ModelUnreadable

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


def _zip(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return file.getvalue()


def _tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("model.pkl"))
    return file.getvalue()


def _npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.ones(3))
    return file.getvalue()


FILES = [
    (b"", "is empty", "Save the model again"),
    (POINTER, "is a Git LFS pointer", "git lfs pull"),
    (b"outs:\n- md5: 1234\n", "is a DVC pointer", "dvc pull"),
    (b"<!DOCTYPE html>\n<html>", "is a web page", "Download it again"),
    (b"<?xml version='1.0'?>", "is an XML file", "joblib.dump"),
    (b'{"a": 1}', "looks like JSON", "joblib.dump"),
    (b'{"learner": {}}', "is no XGBoost model", "save_model"),
    (b"tree\nversion=v4\nnum_class=1\n", "is no LightGBM model", "save_model"),
    (b"a,b,c\n1,2,3\n", "looks like a CSV file", "joblib.dump"),
    (b"\xef\xbb\xbfa;b\n1;2\n", "looks like a CSV file", "joblib.dump"),
    (b"import numpy as np\n\nprint(1)\n", "looks like source code", "joblib.dump"),
    (b"#!/bin/sh\necho\n", "looks like source code", "joblib.dump"),
    (b"model", "is a text file, not a model: it starts with 'model'", "joblib.dump"),
    ("Zürich".encode(), "is a text file", "joblib.dump"),
    (b"Test", "is a text file", "joblib.dump"),
    (_npy(), "is a NumPy array", "joblib.dump"),
    (b"\x89HDF\r\n\x1a\n" + bytes(50), "is an HDF5 file, such as Keras writes", "onnx"),
    (b"ZF0x1234", "was saved by joblib 0.9 or older", "save it with a current one"),
    (b"PAR1" + bytes(20), "is a Parquet file", "joblib.dump"),
    (_tar(), "is a tar archive", "Unpack it"),
    (gzip.compress(_tar()), "is a tar archive", "Unpack it"),
    (gzip.compress(b"a,b\n1,2\n"), "looks like a CSV file", "joblib.dump"),
    (gzip.compress(b""), "is empty", "Save the model again"),
    (_zip("archive/data.pkl", "archive/version"), "is a PyTorch model", "torch.onnx"),
    (_zip("config.json", "model.weights.h5"), "is a Keras model", "tf2onnx"),
    (_zip("a.npy"), "is a zip of NumPy arrays", "joblib.dump"),
    (_zip("model.pkl"), "is a zip archive", "unpack it"),
    (_zip("model.pkl")[:60], "is a damaged zip", "Save the model again"),
    (b"\x7fELF\x02\x01", "is a program", "joblib.dump"),
    (b"\x08\x07\x12\x01a", "is neither a pickle nor an ONNX model", "joblib.dump"),
]


@pytest.mark.parametrize(
    ("data", "reason", "hint"),
    FILES,
    # Without the data: an archive holds the time at which it was made, and each process makes its own.
    ids=[f"{number}: {reason}" for number, (_, reason, _) in enumerate(FILES)],
)
def test_other_files(
    data: bytes, reason: str, hint: str, refusal: Callable[[bytes], ModelUnreadable]
) -> None:
    error = refusal(data)

    assert f"model.pkl {reason}" in error.message
    assert hint in str(error.hint)
