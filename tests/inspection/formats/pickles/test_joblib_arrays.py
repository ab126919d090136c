"""The arrays that joblib writes between the opcodes are read or skipped."""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pytest
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.errors import ModelUnreadable
    from infer_cli.inspection import Inspection


class Listening(NumpyUnpickler):  # type: ignore[misc]  # joblib has no types
    """joblib's own unpickler, which notes the names that it imports."""

    def __init__(self, path: Path, file: io.BufferedReader) -> None:
        super().__init__(str(path), file, ensure_native_byte_order=True)
        self.found: set[tuple[str, str]] = set()

    def find_class(self, module: str, name: str) -> object:
        self.found.add((module, name))
        return super().find_class(module, name)


class Holder:
    """Stands for a model that holds an array."""

    def __init__(self, array: object) -> None:
        self.array = array

    def __reduce__(self) -> tuple[object, ...]:
        return (pickle.Pickler.__new__, (pickle.Pickler,), {"array": self.array, "n_features_in_": 7})


@pytest.mark.parametrize("protocol", [None, 3, 4, 5])
def test_globals_are_those_that_loading_imports(
    model: object, protocol: int | None, tmp_path: Path, inspect_bytes: Callable[..., Inspection]
) -> None:
    path = tmp_path / "saved"
    joblib.dump(model, path, protocol=protocol)
    with path.open("rb") as file:
        loading = Listening(path, file)
        loading.load()

    inspection = inspect_bytes(path.read_bytes())

    assert {(name.module, name.name) for name in inspection.globals} == loading.found
    assert inspection.format == "joblib"


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0),
        np.arange(6, dtype=">i2").reshape(2, 3),
        np.asfortranarray(np.ones((3, 4))),
        np.array(3.0),
        np.zeros((0, 4)),
        np.array(["a", "bcd"]),
        np.array([b"a", b"bcd"]),
        np.array(["a", None, 3], dtype=object),
        np.array([True, False]),
        np.array([1 + 2j]),
        np.array(["2020-01-01"], dtype="M8[ns]"),
        np.zeros(3, dtype=[("a", "f8"), ("b", "i4", (2,)), ("c", [("d", "u1")])]),
        np.array([(1, "x")], dtype=[("a", "f8"), ("b", "O")]),
        np.zeros(5000),
        np.zeros(3, dtype="V7"),
    ],
    ids=lambda array: f"{array.dtype} {array.shape}",
)
@pytest.mark.parametrize("protocol", [2, 5])
def test_what_follows_an_array_is_found(
    array: np.ndarray[tuple[int, ...], np.dtype[np.generic]],
    protocol: int,
    inspect_bytes: Callable[..., Inspection],
) -> None:
    file = io.BytesIO()
    joblib.dump(Holder(array), file, protocol=protocol)

    inspection = inspect_bytes(file.getvalue())

    assert inspection.feature_count == 7
    assert inspection.format == "joblib"


def test_arrays_before_joblib_1_2_have_no_padding(
    monkeypatch: pytest.MonkeyPatch, inspect_bytes: Callable[..., Inspection]
) -> None:
    def forget(wrapper: NumpyArrayWrapper) -> None:
        vars(wrapper).pop("numpy_array_alignment_bytes", None)

    monkeypatch.setattr(NumpyArrayWrapper, "safe_get_numpy_array_alignment_bytes", forget)
    monkeypatch.setattr(
        NumpyArrayWrapper,
        "__getstate__",
        lambda self: {k: v for k, v in vars(self).items() if k != "numpy_array_alignment_bytes"},
        raising=False,
    )
    file = io.BytesIO()
    joblib.dump(Holder(np.arange(100.0)), file)

    assert inspect_bytes(file.getvalue()).feature_count == 7


WRAPPER = b"\x80\x04cjoblib.numpy_pickle\nNumpyArrayWrapper\n"
DTYPE = b"cnumpy\ndtype\n(\x8c\x02%s\x89\x88tR(K\x03\x8c\x01%sNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK%ctb"
STATE = b"}(\x8c\x05shape%s\x8c\x05dtype%sub"


@pytest.mark.parametrize(
    "pickled",
    [
        WRAPPER + b")\x81Nb.",
        WRAPPER + b")\x81}b.",
        WRAPPER + b"K\x01\x85\x81" + STATE % (b")", DTYPE % (b"f8", b"<", 0)) + bytes(8) + b".",
        WRAPPER + b")\x81" + STATE % (b"J\xff\xff\xff\xff\x85", DTYPE % (b"f8", b"<", 0)) + b".",
        WRAPPER + b")\x81" + STATE % (b"]", DTYPE % (b"f8", b"<", 0)) + bytes(8) + b".",
        WRAPPER + b")\x81" + STATE % (b")", DTYPE % (b"O8", b"|", 0)) + bytes(8) + b".",
        WRAPPER + b")\x81" + STATE % (b")", DTYPE % (b"f8", b"<", 63)) + bytes(8) + b".",
        WRAPPER + b")\x81" + STATE % (b")", b"cmine\ndtype\n)R") + bytes(8) + b".",
        b"\x80\x04\x95"
        + (500).to_bytes(8, "little")
        + WRAPPER
        + b")\x81"
        + STATE % (b")", DTYPE % (b"f8", b"<", 0))
        + bytes(8)
        + b".",
    ],
    ids=[
        "no state",
        "empty state",
        "made with arguments",
        "negative shape",
        "shape is a list",
        "objects without the flag for objects",
        "numbers with the flag for objects",
        "unknown dtype",
        "inside a frame",
    ],
)
def test_refuses_arrays_that_mislead(pickled: bytes, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    message = refusal(pickled).message

    assert "an array before byte" in message or "a dtype that contradicts itself" in message


@pytest.mark.parametrize(
    "name",
    [
        b"cjoblib\nnumpy_pickle.NumpyArrayWrapper\n",
        b"cjoblib.numpy_pickle_compat\nNDArrayWrapper\n",
        b"csklearn.externals.joblib.numpy_pickle\nNumpyArrayWrapper\n",
    ],
)
def test_refuses_other_wrappers(name: bytes, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    assert "very old versions of joblib" in refusal(b"\x80\x04" + name + b")\x81.").message


def test_finds_names_in_arrays_of_objects(inspect_bytes: Callable[..., Inspection]) -> None:
    array = np.array([None], dtype=object)
    array[0] = io.BytesIO
    file = io.BytesIO()
    joblib.dump(Holder(array), file)

    assert "_io.BytesIO" in map(str, inspect_bytes(file.getvalue()).globals)


def test_refuses_names_that_depend_on_joblib(refusal: Callable[[bytes], ModelUnreadable]) -> None:
    """The outer pickle has protocol 2, which translates the name; the array inside has protocol 4."""
    dtype = DTYPE.replace(b"\x8c\x02", b"U\x02").replace(b"\x8c\x01", b"U\x01") % (b"O8", b"|", 63)
    state = STATE.replace(b"\x8c", b"U") % (b")", dtype)
    pickled = b"\x80\x02" + WRAPPER[2:] + b")\x81" + state + b"\x80\x04c__builtin__\neval\n." + b"."

    assert "__builtin__.eval, that depends on joblib's version" in refusal(pickled).message
