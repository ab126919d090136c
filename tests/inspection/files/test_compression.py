"""Compressed models are read; decompression bombs are refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import sys
import types
import zlib
from typing import TYPE_CHECKING

import joblib
import pytest

from infer_cli.inspection.files import compression

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.errors import ModelUnreadable
    from infer_cli.inspection import Inspection


@pytest.mark.parametrize("method", ["zlib", "gzip", "bz2", "xz", "lzma"])
def test_compressed_by_joblib(
    method: str, models: dict[str, object], inspect_bytes: Callable[..., Inspection]
) -> None:
    file = io.BytesIO()
    joblib.dump(models["forest"], file, compress=(method, 3))

    inspection = inspect_bytes(file.getvalue(), "model.joblib")

    assert inspection.compression == method
    assert inspection.format == "joblib"
    assert inspection.classes == ("setosa", "versicolor", "virginica")
    assert inspection.size_bytes == len(file.getvalue())


@pytest.mark.parametrize(
    ("compress", "method"),
    [(gzip.compress, "gzip"), (bz2.compress, "bz2"), (lzma.compress, "xz")],
    ids=["gzip", "bz2", "xz"],
)
def test_compressed_pickle(
    compress: Callable[[bytes], bytes],
    method: str,
    models: dict[str, object],
    inspect_bytes: Callable[..., Inspection],
) -> None:
    inspection = inspect_bytes(compress(pickle.dumps(models["svc"])), "model.pkl.z")

    assert (inspection.format, inspection.compression) == ("pickle", method)
    assert inspection.kind == "classifier"


def test_without_lz4(refusal: Callable[[bytes], ModelUnreadable], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lz4.frame", None)

    error = refusal(b"\x04\x22\x4d\x18" + bytes(20))

    assert "LZ4" in error.message
    assert "Install lz4" in str(error.hint)


def test_with_lz4(
    models: dict[str, object], inspect_bytes: Callable[..., Inspection], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the lz4 package installed; a stand-in takes its place here."""
    content = pickle.dumps(models["svc"])
    module = types.ModuleType("lz4.frame")
    monkeypatch.setattr(module, "LZ4FrameFile", lambda _: io.BytesIO(content), raising=False)
    monkeypatch.setitem(sys.modules, "lz4.frame", module)

    inspection = inspect_bytes(b"\x04\x22\x4d\x18" + bytes(20))

    assert (inspection.compression, inspection.kind) == ("lz4", "classifier")


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress], ids=["gzip", "zlib"])
def test_refuses_what_follows(
    compress: Callable[[bytes], bytes], models: dict[str, object], refusal: Callable[[bytes], ModelUnreadable]
) -> None:
    data = compress(pickle.dumps(models["svc"]))

    assert "goes on after the end of its compressed content" in refusal(data + data).message


@pytest.mark.parametrize("magic", [b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\0", b"]\0", b"\x78\x9c"])
def test_refuses_damage(magic: bytes, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    assert "cannot be decompressed" in refusal(magic + b"\xa5" * 100).message


def test_refuses_a_bomb(refusal: Callable[[bytes], ModelUnreadable], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "EXPANDED_BYTES_MAX", 1_000_000)
    array = b"\x8e" + (1 << 30).to_bytes(8, "little") + bytes(20_000_000)

    assert "expands to more than 200 times its size" in refusal(gzip.compress(b"\x80\x04" + array)).message
