from __future__ import annotations

import pytest

from infer_cli.load.http_answers import AnswerReader, HttpAnswer, NotHttp

PLAIN = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 9\r\n\r\n{"a": 12}'
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'4;x=y\r\n{"a"\r\n5\r\n: 12}\r\n0\r\nTrailer: 1\r\n\r\n'
)
CHUNKED_BARE = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"a": 12}\r\n0\r\n\r\n'
WAIT_FIRST = b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN
RIGHT = HttpAnswer(200, b'{"a": 12}', keeps_open=True)


@pytest.mark.parametrize("content", [PLAIN, CHUNKED, CHUNKED_BARE, WAIT_FIRST])
def test_an_answer_is_whole_with_its_last_byte_however_it_is_cut(content: bytes) -> None:
    for at in range(1, len(content)):
        reader = AnswerReader()
        assert reader.feed(content[:at]) is None, at
        assert reader.feed(content[at:]) == RIGHT, at


@pytest.mark.parametrize(
    ("head", "keeps_open"),
    [
        ("HTTP/1.1 503 Busy\r\nContent-Length: 0", True),
        ("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close", False),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0", False),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive", True),
        ("HTTP/1.1 204 No Content", True),
    ],
)
def test_an_answer_says_whether_the_connection_keeps_open(head: str, *, keeps_open: bool) -> None:
    answer = AnswerReader().feed(f"{head}\r\n\r\n".encode())

    assert answer is not None
    assert answer.keeps_open is keeps_open


def test_bytes_behind_an_answer_spoil_the_connection() -> None:
    answer = AnswerReader().feed(PLAIN + b"x")

    assert answer == HttpAnswer(200, b'{"a": 12}', keeps_open=False)


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    reader = AnswerReader()

    assert reader.feed(b"HTTP/1.1 200 OK\r\n\r\nall") is None
    assert reader.end() == HttpAnswer(200, b"all", keeps_open=False)


@pytest.mark.parametrize("content", [PLAIN[:-1], CHUNKED[:-1], b"HTTP/1.1 200"])
def test_an_answer_that_is_cut_short_is_none(content: bytes) -> None:
    reader = AnswerReader()
    reader.feed(content)

    assert reader.has_begun
    assert reader.end() is None


@pytest.mark.parametrize(
    "content",
    [
        b"SSH-2.0-OpenSSH_9\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nmany\r\n",
        b"x" * 70_000,
    ],
)
def test_other_bytes_are_no_answer(content: bytes) -> None:
    with pytest.raises(NotHttp):
        AnswerReader().feed(content)
