"""ONNX models are told by their protobuf, written here field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.inspection import onnx

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.errors import ModelUnreadable
    from infer_cli.inspection import Inspection


def _varint(value: int) -> bytes:
    value %= 1 << 64
    encoded = b""
    while value >= 0x80:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _block(field: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _model(*graph: bytes) -> bytes:
    header = _number(1, 8) + _block(2, b"skl2onnx") + _block(3, b"1.20.0")
    return header + _block(7, *graph) + _block(8, _number(2, 15))


def _input(name: bytes, *sizes: int | None) -> bytes:
    dimensions = [_block(1, _block(2, b"N") if size is None else _number(1, size)) for size in sizes]
    return _block(11, _block(1, name), _block(2, _block(1, _number(1, 1), _block(2, *dimensions))))


def _node(operator: bytes, *attributes: bytes) -> bytes:
    return _block(1, _block(1, b"X"), _block(4, operator), *attributes)


def _attribute(name: bytes, *values: bytes) -> bytes:
    return _block(5, _block(1, name), *values)


def test_a_classifier(inspect_bytes: Callable[..., Inspection]) -> None:
    weights = _attribute(b"coefficients", *[_varint(7 << 3 | 5) + bytes(4)] * 100)
    labels = _attribute(b"classlabels_strings", _block(9, b"setosa"), _block(9, b"virginica"))
    data = _model(_node(b"LinearClassifier", weights, labels), _input(b"X", None, 4), _block(5, bytes(3000)))

    inspection = inspect_bytes(data, "model.onnx")

    assert inspection.format == "onnx"
    assert inspection.kind == "classifier"
    assert inspection.classes == ("setosa", "virginica")
    assert (inspection.feature_names, inspection.feature_count) == (None, 4)
    assert inspection.as_dict()["versions"] == {"skl2onnx": "1.20.0"}
    assert inspection.globals == ()
    assert inspection.size_bytes == len(data)


@pytest.mark.parametrize(
    "values",
    [[_number(8, 3), _number(8, -1)], [_block(8, _varint(3), _varint(-1))]],
    ids=["one at a time", "packed"],
)
def test_numbered_classes(values: list[bytes], inspect_bytes: Callable[..., Inspection]) -> None:
    data = _model(_node(b"ZipMap", _attribute(b"classlabels_int64s", *values)))

    assert inspect_bytes(data).classes == (3, -1)


def test_a_regressor_of_named_columns(inspect_bytes: Callable[..., Inspection]) -> None:
    data = _model(_node(b"TreeEnsembleRegressor"), _input(b"slength", None, 1), _input(b"swidth", None, 1))

    inspection = inspect_bytes(data)

    assert inspection.kind == "regressor"
    assert inspection.feature_names == ("slength", "swidth")
    assert inspection.feature_count == 2


def test_too_much(refusal: Callable[[bytes], ModelUnreadable], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "ITEMS_MAX", 3)

    assert "more operators and inputs" in refusal(_model(*[_input(b"x", 1, 1)] * 5)).message


def test_too_many_classes(inspect_bytes: Callable[..., Inspection], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "ITEMS_MAX", 3)
    labels = _attribute(b"classlabels_int64s", _block(8, bytes(5)))

    assert inspect_bytes(_model(_node(b"LinearClassifier", labels))).classes is None


def test_another_model(inspect_bytes: Callable[..., Inspection]) -> None:
    data = _model(_node(b"Conv"), _block(11, _block(1, b"image"), _block(2, _block(4))))

    inspection = inspect_bytes(data)

    assert (inspection.kind, inspection.feature_names, inspection.feature_count) == ("other", None, None)


@pytest.mark.parametrize(
    "data",
    [
        _number(1, 8),
        _number(1, 8) + b"\x0b",
        _number(1, 8) + b"\xff" * 11,
        _model(_block(1, b"\x22\x7f")),
        _model(_block(1, _number(4, 3))),
        _model(_node(b"ZipMap", _attribute(b"classlabels_int64s", _block(8, b"\xff")))),
    ],
    ids=[
        "no graph",
        "a group",
        "an endless number",
        "a block beyond its message",
        "a number for a text",
        "a number beyond its block",
    ],
)
def test_refuses(data: bytes, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    assert "is neither a pickle nor an ONNX model" in refusal(data).message


def test_cut_anywhere(refusal: Callable[[bytes], ModelUnreadable]) -> None:
    data = _model(_node(b"LinearClassifier"), _input(b"X", None, 4), _block(5, bytes(300)))

    for length in range(len(data) - len(_block(8, _number(2, 15)))):
        refusal(data[:length])
