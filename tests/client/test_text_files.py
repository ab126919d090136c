from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from infer_cli.errors import InferError
from tests.client.conftest import read_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = "a,b\n1,é\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("rows.csv", TEXT.encode(), id="UTF-8"),
        pytest.param("rows.csv", TEXT.encode("utf-8-sig"), id="UTF-8 with its mark"),
        pytest.param("rows.csv", b"\xff\xfe" + TEXT.encode("utf-16-le"), id="UTF-16"),
        pytest.param("rows.csv", b"\xfe\xff" + TEXT.encode("utf-16-be"), id="UTF-16 of the other order"),
        pytest.param("rows.csv.gz", gzip.compress(TEXT.encode()), id="gzip"),
        pytest.param("rows.json.gz", gzip.compress('[{"a": 1, "b": "é"}]'.encode()), id="JSON in gzip"),
        pytest.param("rows.jsonl", '{"a": 1, "b": "é"}'.encode("utf-16"), id="JSON Lines in UTF-16"),
    ],
)
def test_text_is_read_as_people_save_it(write_file: Callable[..., Path], name: str, content: bytes) -> None:
    assert read_all(write_file(name, content)) == [{"a": 1, "b": "é"}]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"a,b\n1,2\n", id="not compressed"),
        pytest.param(gzip.compress(TEXT.encode())[:-9], id="cut short"),
        pytest.param(gzip.compress(TEXT.encode())[:12] + b"\xff" * 20, id="damaged"),
    ],
)
def test_what_is_no_gzip_is_an_error(write_file: Callable[..., Path], content: bytes) -> None:
    with pytest.raises(InferError, match=r"rows\.csv\.gz cannot be decompressed: "):
        read_all(write_file("rows.csv.gz", content))


def test_the_line_that_is_not_utf8_is_found_in_gzip(write_file: Callable[..., Path]) -> None:
    with pytest.raises(InferError, match=r"rows\.csv\.gz, line 2 is not UTF-8 text$"):
        read_all(write_file("rows.csv.gz", gzip.compress(b"a\n\xe9\n")))
