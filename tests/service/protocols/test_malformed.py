"""Whatever a body is, the answer is a prediction or a refusal in the form of the protocol."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.protocols import wire
from tests.service.protocols.test_same_rows import mixed_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import MakeClient

EXAMPLES = settings(
    max_examples=60,
    deadline=None,
    # The same bodies at each run: a run that fails by chance would be no use to a reader.
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ROW = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}
MIXED = {"age": None, "rooms": 1.0, "town": "Köln", "size": "S", "member": True, "note": "good"}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from([2**40, -1, "FP64", "BYTES", "INT64", "predict", [], {}, [[]], "1e999"]),
)
VALUE = st.recursive(
    ODD,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
NUMERIC_FORMS = {**wire.FORMS, **wire.WITHOUT_MISSING_TEXTS, **wire.CELLS, **wire.NUMBERS}
MIXED_FORMS = {**wire.FORMS, **wire.WITHOUT_MISSING_TEXTS, **wire.CELLS}


@pytest.fixture
def client(classifier: LogisticRegression, make_client: MakeClient) -> FlaskClient:
    return make_client(classifier, max_body_bytes=100_000)


@pytest.fixture
def mixed_client(make_client: MakeClient) -> FlaskClient:
    return make_client(mixed_model(), max_body_bytes=100_000)


def check(client: FlaskClient, sent: wire.Sent) -> int:
    """Send a body; the answer must be a prediction, or a refusal of the protocol's form."""
    response = sent.to(client)
    status = response.status_code
    assert status == 200 or 400 <= status < 500, (sent, response.text)
    assert status == 200 or wire.is_error_of_its_form(sent.path, response.data), (sent, response.text)
    return status


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    key, *rest = path
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[key] = changed(document[key], tuple(rest), value)
    return copy


@pytest.mark.parametrize("is_mixed", [False, True], ids=["numbers", "mixed"])
def test_documents_with_one_odd_part(
    client: FlaskClient, mixed_client: FlaskClient, *, is_mixed: bool
) -> None:
    asked, row = (mixed_client, MIXED) if is_mixed else (client, ROW)
    documents = []
    for name, write in (MIXED_FORMS if is_mixed else NUMERIC_FORMS).items():
        sent = write([row, row])
        text = sent.body if sent.length is None else sent.body[: sent.length]
        if text.startswith((b"{", b"[")) and sent.content_type != wire.LINES:
            documents.append((name, sent, json.loads(text)))

    @EXAMPLES
    @given(st.data())
    def try_one(data: st.DataObject) -> None:
        _, sent, document = data.draw(st.sampled_from(documents))
        path = data.draw(st.sampled_from([*places(document)]))
        text = wire.dumps(changed(document, path, data.draw(VALUE)))
        rest = b"" if sent.length is None else sent.body[sent.length :]
        length = None if sent.length is None else len(text)
        check(asked, wire.Sent(sent.path, text + rest, sent.content_type, length))

    try_one()


@pytest.mark.parametrize("name", [name for name in NUMERIC_FORMS if "raw" not in name])
def test_bodies_that_end_early(client: FlaskClient, name: str) -> None:
    sent = NUMERIC_FORMS[name]([ROW, ROW])
    step = max(1, len(sent.body) // 40)
    for end in range(0, len(sent.body), step):
        status = check(client, wire.Sent(sent.path, sent.body[:end], sent.content_type, sent.length))
        if "lines" not in name and "CSV" not in name:
            assert status == 400


@pytest.mark.parametrize("is_mixed", [False, True], ids=["numbers", "mixed"])
def test_bytes_that_are_changed(client: FlaskClient, mixed_client: FlaskClient, *, is_mixed: bool) -> None:
    asked, row = (mixed_client, MIXED) if is_mixed else (client, ROW)
    bodies = [write([row, row]) for write in (MIXED_FORMS if is_mixed else NUMERIC_FORMS).values()]

    @EXAMPLES
    @given(st.data())
    def try_one(data: st.DataObject) -> None:
        sent = data.draw(st.sampled_from(bodies))
        at = data.draw(st.integers(0, len(sent.body) - 1))
        more = data.draw(st.binary(max_size=8))
        body = sent.body[:at] + more + sent.body[at + data.draw(st.integers(0, 8)) :]
        length = sent.length
        if length is not None:
            length = data.draw(st.sampled_from([length, length + 1, 0, 1, len(body), len(body) + 1, 2**70]))
        check(asked, wire.Sent(sent.path, body, sent.content_type, length))

    try_one()


@pytest.mark.parametrize("path", [wire.INFER, wire.V1, wire.INVOCATIONS, "/prediction"])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"7",
        b'"text"',
        b"[",
        b"{}",
        b"[" * 50_000,
        b'{"inputs":' * 5_000,
        b'{"instances": [' + b"[" * 20_000 + b"1" + b"]" * 20_000 + b"]}",
        b"\xff\xfe",
        b'{"inputs": NaN}',
        b'{"instances": [[NaN, Infinity, -Infinity, 1e999]]}',
        b'[{"slength": 1, "slength": 2, "swidth": 1, "plength": 1, "pwidth": 1}]',
        b'{"instances": [{"slength": 1, "slength": 2, "swidth": 1, "plength": 1, "pwidth": 1}]}',
        b'{"rows": [{"slength": 1, "slength": 2, "swidth": 1, "plength": 1, "pwidth": 1}]}',
        b"x" * 100_001,
    ],
    ids=lambda body: repr(body[:30]),
)
def test_bodies_that_are_no_request(client: FlaskClient, path: str, body: bytes) -> None:
    assert check(client, wire.Sent(path, body)) in (400, 413)


@pytest.mark.parametrize(
    "shape",
    [
        [2**40, 2**40],
        [2**63, 4],
        [10**30],
        [-1, 4],
        [-2, -2],
        [0, 4],
        [4],
        [],
        [2.0, 4],
        ["2", 4],
        [True, 4],
        None,
        "2x4",
        [1] * 33,
        [2, 4, 1],
        {},
    ],
    ids=repr,
)
@pytest.mark.parametrize("is_binary", [False, True], ids=["JSON", "binary"])
def test_shapes_that_do_not_fit(client: FlaskClient, shape: object, *, is_binary: bool) -> None:
    entry: dict[str, Any] = {"name": "x", "shape": shape, "datatype": "FP64"}
    rest = b""
    if is_binary:
        rest = np.arange(8.0).tobytes()
        entry["parameters"] = {"binary_data_size": len(rest)}
    else:
        entry["data"] = [1.0] * 8
    text = wire.dumps({"inputs": [entry]})

    assert check(client, wire.Sent(wire.INFER, text + rest, "", len(text) if is_binary else None)) == 400


@pytest.mark.parametrize("size", [-1, 0, 63, 65, 2**40, 2**70, 64.0, "64", True, None, [], {}])
def test_sizes_that_lie(client: FlaskClient, size: object) -> None:
    data = np.arange(8.0).tobytes()
    entry = {"name": "x", "shape": [2, 4], "datatype": "FP64", "parameters": {"binary_data_size": size}}
    text = wire.dumps({"inputs": [entry]})

    assert check(client, wire.Sent(wire.INFER, text + data, "", len(text))) == 400


def array_of(array: Any, *, allow_pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=allow_pickle)
    return buffer.getvalue()


def header_of(text: str, data: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    size = len(text).to_bytes(2 if version == b"\x01\x00" else 4, "little")
    return b"\x93NUMPY" + version + size + text.encode() + data


@pytest.mark.parametrize(
    "body",
    [
        array_of(np.array([[print, 1.0, 2.0, 3.0]], dtype=object), allow_pickle=True),
        array_of(np.zeros((2, 4), complex)),
        array_of(np.zeros((2, 4), "M8[s]")),
        array_of(np.zeros(4, [("a", "f8")])),
        array_of(np.zeros((2, 3))),
        array_of(np.zeros(4)),
        array_of(np.zeros((1, 4, 1))),
        array_of(np.float64(3)),
        array_of(np.full((1, 4), np.inf)),
        array_of(np.full((1, 4), "text")),
        header_of("{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776, 4)}"),
        header_of("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 4)}", bytes(32)),
        header_of("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -4)}", bytes(32)),
        header_of("{'descr': '|V0', 'fortran_order': False, 'shape': (1099511627776, 4)}"),
        header_of("{'descr': '<U0', 'fortran_order': False, 'shape': (1, 4)}"),
        header_of("{'descr': '|O', 'fortran_order': False, 'shape': (1, 4)}", b"cos\nsystem\n."),
        header_of("(" * 5000, version=b"\x01\x00"),
        header_of("[" * 20_000, version=b"\x02\x00"),
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}",
        b"\x93NUMPY\x03\x00\x02\x00\x00\x00{}",
        b"\x93NUMPY\x09\x00",
        b"\x93NUMPY",
        b"PK\x03\x04",
        b"",
    ],
    ids=lambda body: repr(body[:70]),
)
def test_arrays_that_are_refused(client: FlaskClient, body: bytes) -> None:
    assert check(client, wire.Sent(wire.INVOCATIONS, body, wire.NPY)) == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"5.1,3.5,1.4,0.2", 200),
        (b"5.1, 3.5 ,1.4,0.2\r\n\r\n", 200),
        (b'"5.1","3.5","1.4","0.2"\n', 200),
        (b"\xef\xbb\xbfslength,swidth,plength,pwidth\n5.1,3.5,1.4,0.2\n", 200),
        (b'"slength", swidth,plength,pwidth\n5.1,3.5,1.4,0.2\n', 200),
        (b"slength,swidth,plength,pwidth\n", 200),
        (b"", 200),
        (b"5.1,3.5,1.4\n", 400),
        (b"5.1,3.5,1.4,0.2,1\n", 400),
        (b"5.1;3.5;1.4;0.2\n", 400),
        (b"5,1;3,5;1,4;0,2\n", 400),
        (b"slength,swidth,plength\n5.1,3.5,1.4\n", 400),
        (b"slength,swidth,plength,width\n5.1,3.5,1.4,0.2\n", 400),
        (b",slength,swidth,plength,pwidth\n0,5.1,3.5,1.4,0.2\n", 400),
        (b"slength,slength,plength,pwidth\n5.1,3.5,1.4,0.2\n", 400),
        (b"a,b,c,d\n5.1,3.5,1.4,0.2\n", 400),
        (b'"5.1,3.5,1.4,0.2\n', 400),
        (b"5.1,3.5,1.4,\xff\n", 400),
        (b"5.1,3.5,1.4,\x00\n", 400),
        (b"5.1,3.5,1.4,\n", 400),
        (b"1," * 200_000, 413),
        (b'"' + b"x" * 90_000 + b'",1,2,3', 400),
        (b'"""' + b"x" * 99_000, 400),
    ],
    ids=lambda given: repr(given)[:50],
)
def test_quirks_of_csv(client: FlaskClient, body: bytes, status: int) -> None:
    assert check(client, wire.Sent(wire.INVOCATIONS, body, wire.CSV)) == status


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-npz", "application/xml", "multipart/x"]
)
def test_other_types_are_415(client: FlaskClient, content_type: str) -> None:
    assert check(client, wire.Sent(wire.INVOCATIONS, b"1", content_type)) == 415


@pytest.mark.parametrize("path", ["/v1/nope", "/v2/nope", "/v1/models/a/b/c", "/v2/models/x/infer"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_paths_that_are_not_there(client: FlaskClient, path: str, method: str) -> None:
    response = client.open(path, method=method)

    assert response.status_code == 404
    assert wire.is_error_of_its_form(path, response.data)


@pytest.mark.parametrize("path", [wire.INFER, wire.V1, wire.INVOCATIONS])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_methods_that_a_path_has_not(client: FlaskClient, path: str, method: str) -> None:
    response = client.open(path, method=method)

    assert response.status_code == 405
    assert "POST" in response.headers["Allow"]
    assert wire.is_error_of_its_form(path, response.data)
