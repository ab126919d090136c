"""The facts of ONNX models, whose protobuf is written here field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.inspection.formats import onnx

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


def _value(number: int, name: bytes, *sizes: int | None, element: int = 1) -> bytes:
    dimensions = [_block(1, _block(2, b"N") if size is None else _number(1, size)) for size in sizes]
    tensor = _block(1, _number(1, element), _block(2, *dimensions))
    return _block(number, _block(1, name), _block(2, tensor))


def _input(name: bytes, *sizes: int | None, element: int = 1) -> bytes:
    return _value(11, name, *sizes, element=element)


def _output(name: bytes, *sizes: int | None, element: int = 1) -> bytes:
    return _value(12, name, *sizes, element=element)


def _node(operator: bytes, *attributes: bytes, takes: bytes = b"X", makes: bytes = b"label") -> bytes:
    return _block(1, _block(1, takes), _block(2, makes), _block(4, operator), *attributes)


LABEL = _output(b"label", None, element=7)
WEIGHTS = _block(5, _number(2, 1), _block(8, b"weights"), _block(9, bytes(3000)))


def _attribute(name: bytes, *values: bytes) -> bytes:
    return _block(5, _block(1, name), *values)


def test_a_classifier(inspect_bytes: Callable[..., Inspection]) -> None:
    weights = _attribute(b"coefficients", *[_varint(7 << 3 | 5) + bytes(4)] * 100)
    labels = _attribute(b"classlabels_strings", _block(9, b"setosa"), _block(9, b"virginica"))
    label = _output(b"label", None, element=8)
    data = _model(_node(b"LinearClassifier", weights, labels), _input(b"X", None, 4), label, WEIGHTS)

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
    data = _model(_node(b"SVMClassifier", _attribute(b"classlabels_ints", *values)), LABEL)

    assert inspect_bytes(data).classes == (3, -1)


def test_a_regressor_of_named_columns(inspect_bytes: Callable[..., Inspection]) -> None:
    inputs = (_input(b"slength", None, 1), _input(b"swidth", None, 1, element=7))
    data = _model(_node(b"TreeEnsembleRegressor"), *inputs, _output(b"variable", None, 1))

    inspection = inspect_bytes(data)

    assert inspection.kind == "regressor"
    assert inspection.feature_names == ("slength", "swidth")
    assert inspection.feature_count == 2


@pytest.mark.parametrize(
    "constant",
    [
        _block(5, _number(2, 7), _block(8, b"classes"), _block(9, (5).to_bytes(8, "little") + b"\xff" * 8)),
        _block(5, _number(2, 6), _block(8, b"classes"), _block(5, _varint(5), _varint(-1))),
    ],
    ids=["raw bytes", "integers"],
)
def test_classes_that_are_picked_from_a_list(
    constant: bytes, inspect_bytes: Callable[..., Inspection]
) -> None:
    """A model without a classifier operator, such as a neural network, picks its labels from a list."""
    picked = _node(b"ArrayFeatureExtractor", takes=b"classes", makes=b"picked")
    data = _model(picked, _node(b"Cast", takes=b"picked"), constant, LABEL)

    inspection = inspect_bytes(data)

    assert (inspection.kind, inspection.classes) == ("classifier", (5, -1))


def test_columns_of_several_types(inspect_bytes: Callable[..., Inspection]) -> None:
    inputs = [_input(name, None, 1, element=element) for name, element in ((b"a", 11), (b"b", 8), (b"c", 9))]

    features = inspect_bytes(_model(*inputs, LABEL)).features

    assert features is not None
    assert [(one.name, one.type) for one in features] == [("a", "number"), ("b", "text"), ("c", "boolean")]


def test_names_in_the_metadata(inspect_bytes: Callable[..., Inspection]) -> None:
    data = _model(_input(b"X", None, 2)) + _block(14, _block(1, b"feature_names"), _block(2, b'["a", "b"]'))

    assert inspect_bytes(data).feature_names == ("a", "b")


@pytest.mark.parametrize("names", [b"[", b"[1]", b"{}", b""])
def test_metadata_without_names(names: bytes, inspect_bytes: Callable[..., Inspection]) -> None:
    data = _model(_input(b"X", None, 2)) + _block(14, _block(1, b"feature_names"), _block(2, names))

    assert inspect_bytes(data).feature_names is None


def test_constants_are_no_inputs(inspect_bytes: Callable[..., Inspection]) -> None:
    data = _model(_input(b"X", None, 2), _input(b"weights", 750), WEIGHTS)

    assert inspect_bytes(data).feature_count == 2


FOREIGN = _block(1, _block(4, b"EPContext"), _block(7, b"com.microsoft"))
ELSEWHERE = _block(13, _block(1, b"location"), _block(2, b"/etc/passwd"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(_model(FOREIGN), "uses 'EPContext' of 'com.microsoft'", id="operator"),
        pytest.param(
            _model(_node(b"If", _block(5, _block(1, b"then"), _block(6, FOREIGN)))),
            "uses 'EPContext' of 'com.microsoft'",
            id="operator in a branch",
        ),
        pytest.param(
            _model() + _block(25, _block(7, FOREIGN[2:])), "uses 'EPContext' of", id="operator in a function"
        ),
        pytest.param(_model(_block(5, ELSEWHERE)), "numbers in another file", id="tensor"),
        pytest.param(_model(_block(5, _number(14, 1))), "numbers in another file", id="location of a tensor"),
        pytest.param(_model(_block(15, _block(2, ELSEWHERE))), "in another file", id="sparse tensor"),
        pytest.param(
            _model(_node(b"Constant", _block(5, _block(5, ELSEWHERE)))), "in another file", id="constant"
        ),
    ],
)
def test_what_is_not_in_the_file(
    data: bytes, reason: str, refusal: Callable[[bytes], ModelUnreadable]
) -> None:
    assert reason in refusal(data).message


def test_deeply_nested_operators(refusal: Callable[[bytes], ModelUnreadable]) -> None:
    node = _node(b"If")
    for _ in range(100):
        node = _node(b"If", _block(5, _block(6, node)))

    assert "more than 50 levels deep" in refusal(_model(node)).message


def test_too_many_operators(
    refusal: Callable[[bytes], ModelUnreadable], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx, "ITEMS_MAX", 3)

    assert "more operators and inputs" in refusal(_model(*[_input(b"x", 1, 1)] * 5)).message


def test_too_many_classes(inspect_bytes: Callable[..., Inspection], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "ITEMS_MAX", 3)
    labels = _attribute(b"classlabels_int64s", _block(8, bytes(5)))

    assert inspect_bytes(_model(_node(b"LinearClassifier", labels), LABEL)).classes is None


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
        "a number for a string",
        "a number beyond its block",
    ],
)
def test_refuses(data: bytes, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    assert "is neither a pickle nor an ONNX model" in refusal(data).message


def test_cut_anywhere(refusal: Callable[[bytes], ModelUnreadable]) -> None:
    data = _model(_node(b"LinearClassifier"), _input(b"X", None, 4), WEIGHTS)

    for length in range(len(data) - len(_block(8, _number(2, 15)))):
        refusal(data[:length])
