"""A file that is no model is named for what it is, with what to do."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
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


@pytest.mark.parametrize(
    ("data", "reason", "hint"),
    [
        (b"", "is empty", "Save the model again"),
        (POINTER, "is a Git LFS pointer", "git lfs pull"),
        (b"outs:\n- md5: 1234\n", "is a DVC pointer", "dvc pull"),
        (b"<!DOCTYPE html>\n<html>", "is a web page", "Download it again"),
        (b"<?xml version='1.0'?>", "is an XML file", "joblib.dump"),
        (b'{"a": 1}', "looks like JSON", "joblib.dump"),
        (b'{"learner": {}}', "is an XGBoost model", "joblib.dump"),
        (b"tree\nversion=v4\nnum_class=1\n", "is a LightGBM model", "joblib.dump"),
        (b"a,b,c\n1,2,3\n", "looks like a CSV file", "joblib.dump"),
        (b"\xef\xbb\xbfa;b\n1;2\n", "looks like a CSV file", "joblib.dump"),
        (b"import numpy as np\n\nprint(1)\n", "looks like source code", "joblib.dump"),
        (b"#!/bin/sh\necho\n", "looks like source code", "joblib.dump"),
        (b"model", "is a text, not a model: it starts with 'model'", "joblib.dump"),
        ("Zürich".encode(), "is a text", "joblib.dump"),
        (b"Test", "is a text", "joblib.dump"),
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
    ],
)
def test_other_files(
    data: bytes, reason: str, hint: str, refusal: Callable[[bytes], ModelUnreadable]
) -> None:
    error = refusal(data)

    assert f"model.pkl {reason}" in error.message
    assert hint in str(error.hint)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([1, 2], "holds a list of 2, not a model"),
        ((1,), "holds a tuple of 1"),
        ({1, 2}, "holds a set of 2"),
        ({"a": 1}, "holds a dictionary ('a')"),
        ({}, "holds a dictionary (empty)"),
        (3.5, "holds the value 3.5"),
        ("text", "holds the value 'text'"),
        (None, "holds the value None"),
        (b"bytes", "holds bytes"),
        (np.ones((2, 3)), "holds a NumPy array of shape (2, 3)"),
        (np.float64(2), "holds a numpy._core.multiarray.scalar"),
        (np.dtype("f8"), "holds a numpy.dtype"),
        (pd.DataFrame({"a": [1]}), "holds a pandas.DataFrame"),
        (dict, "holds the class or function builtins.dict itself"),
        (1 + 2j, "holds a builtins.complex"),
    ],
    ids=repr,
)
def test_pickles_of_no_model(value: object, reason: str, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    error = refusal(pickle.dumps(value))

    assert reason in error.message
    assert "predict method" in str(error.hint)


def test_a_dictionary_with_a_model(
    models: dict[str, object], refusal: Callable[[bytes], ModelUnreadable]
) -> None:
    error = refusal(pickle.dumps({"date": "today", "clf": models["svc"]}))

    assert "holds a dictionary ('date', 'clf')" in error.message
    assert "joblib.dump(saved['clf'], path)" in str(error.hint)


def test_several_pickles(models: dict[str, object], refusal: Callable[[bytes], ModelUnreadable]) -> None:
    one = pickle.dumps(models["svc"])

    assert (
        f"holds several pickles, one after another: the second starts at byte {len(one)}"
        in refusal(one * 2).message
    )
    assert f"goes on after its pickle, which ends at byte {len(one)}" in refusal(one + b"\0").message
