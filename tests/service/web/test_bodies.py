"""Compressed bodies: read within a limit, and answers compressed for clients that ask for one way."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Callable

import pytest

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from sklearn.linear_model import LogisticRegression
    from werkzeug.test import TestResponse

    from tests.service.conftest import MakeClient

MOST_BYTES = 200_000
ROW = '{"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}'
CHUNK = 65_536
WAYS: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "deflate": zlib.compress}
ERROR_KEYS = {"/prediction": "error", "/v2/models/model/infer": "error", "/invocations": "error_code"}


@pytest.fixture
def client(classifier: LogisticRegression, make_client: MakeClient) -> FlaskClient:
    return make_client(classifier, max_body_bytes=MOST_BYTES)


def post(client: FlaskClient, body: bytes, encoding: str, path: str = "/prediction") -> TestResponse:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    return client.post(path, data=body, headers=headers)


def body_of(size: int) -> bytes:
    return ROW.encode().ljust(size)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "size", [len(ROW), CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1, MOST_BYTES - 1, MOST_BYTES]
)
def test_a_body_of_any_length_up_to_the_limit_is_read(client: FlaskClient, way: str, size: int) -> None:
    plain = client.post("/prediction", data=body_of(size), content_type="application/json")
    found = post(client, WAYS[way](body_of(size)), way)

    assert (found.status_code, found.data) == (200, plain.data)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", ERROR_KEYS)
@pytest.mark.parametrize("size", [MOST_BYTES + 1, 100_000_000])
def test_a_longer_one_is_refused_without_the_memory_for_it(
    client: FlaskClient, way: str, path: str, size: int
) -> None:
    packed = WAYS[way](bytes(size))
    assert len(packed) < MOST_BYTES
    tracemalloc.start()
    try:
        response = post(client, packed, way, path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert response.status_code == 413
    assert ERROR_KEYS[path] in json.loads(response.data)
    assert peak < 10 * MOST_BYTES


@pytest.mark.parametrize("path", ERROR_KEYS)
@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        pytest.param("gzip", b"", id="empty"),
        pytest.param("gzip", ROW.encode(), id="not compressed"),
        pytest.param("deflate", ROW.encode(), id="not compressed, too"),
        pytest.param("gzip", zlib.compress(ROW.encode()), id="the other way"),
        pytest.param("deflate", gzip.compress(ROW.encode()), id="the other way, too"),
        pytest.param("deflate", zlib.compress(ROW.encode())[2:-4], id="without a head"),
        pytest.param("gzip", gzip.compress(ROW.encode())[:-5], id="ends early"),
        pytest.param("deflate", zlib.compress(ROW.encode())[:-1], id="ends early, too"),
        pytest.param("gzip", gzip.compress(ROW.encode()) + b"x", id="something follows"),
        pytest.param("gzip", gzip.compress(b"x" * 100_000)[:40] + b"\xff" * 40, id="damaged"),
    ],
)
def test_what_cannot_be_unpacked_is_refused(
    client: FlaskClient, path: str, encoding: str, body: bytes
) -> None:
    response = post(client, body, encoding, path)

    assert response.status_code == 400
    assert "The body cannot be unpacked" in response.text


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, deflate", "compress"])
def test_other_ways_to_compress_are_415(client: FlaskClient, encoding: str) -> None:
    response = post(client, ROW.encode(), encoding)

    assert response.status_code == 415
    assert f"and not by {encoding}" in response.text


@pytest.mark.parametrize("encoding", ["GZIP", "x-gzip", " gzip "])
def test_the_name_of_a_way_may_be_written_differently(client: FlaskClient, encoding: str) -> None:
    assert post(client, gzip.compress(ROW.encode()), encoding).status_code == 200


def test_a_body_that_is_marked_as_not_compressed_is_read(client: FlaskClient) -> None:
    assert post(client, ROW.encode(), "identity").status_code == 200


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("GZIP", "gzip"),
        ("gzip, deflate", None),
        ("identity", None),
        ("", None),
        ("br", None),
    ],
)
def test_an_answer_is_compressed_for_who_accepts_one_way_only(
    client: FlaskClient, accepted: str, encoding: str | None
) -> None:
    headers = {"Content-Type": "application/json", "Accept-Encoding": accepted}
    response = client.post("/prediction", data=ROW, headers=headers)

    plain = client.post("/prediction", data=ROW, content_type="application/json").data
    assert response.headers.get("Content-Encoding") == encoding
    unpack: dict[str | None, Callable[[bytes], bytes]] = {
        "gzip": gzip.decompress,
        "deflate": zlib.decompress,
        None: bytes,
    }
    assert unpack[encoding](response.data) == plain
    if encoding:
        assert response.headers["Vary"] == "Accept-Encoding"
