"""A service with little memory refuses what does not fit into it, and answers on."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.conftest import FIRST_IRIS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished

pytestmark = pytest.mark.docker

MEBIBYTE = 2**20
WORDS = b'{"slength": 5.1, "swidth": 3.5, "plength": 1, "pwidth": 0.2}'
LINES = b"[5.1,3.5,1,0.2]"
FORMS = {
    "rows": ("/prediction", "application/json", b'{"rows": [', WORDS, b",", b"]}"),
    "empty rows": ("/prediction", "application/json", b'{"rows": [', b"{}", b",", b"]}"),
    "lists": ("/v1/models/model:predict", "application/json", b'{"instances": [', LINES, b",", b"]}"),
    "lines": ("/invocations", "application/jsonlines", b"", LINES, b"\n", b""),
    "csv": ("/invocations", "text/csv", b"", b"5.1,3.5,1,0.2", b"\n", b""),
}


def body_of(form: str, length: int) -> bytes:
    _, _, head, row, between, end = FORMS[form]
    count = (length - len(head) - len(end)) // (len(row) + len(between))
    return head + between.join([row] * count) + end


def ask(port: int, form: str, body: bytes) -> int:
    path, content_type, *_ = FORMS[form]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        try:
            connection.request("POST", path, body, {"Content-Type": content_type})
        except OSError:
            # The service refuses a body that is too long before it has come; what it said can be read.
            assert len(body) > MEBIBYTE
        return connection.getresponse().status
    except ConnectionError:
        assert len(body) > MEBIBYTE
        return 413
    finally:
        connection.close()


def test_bodies_of_all_forms_leave_the_workers_alive(
    engine: Engine,
    infer: Callable[..., Finished],
    iris_image: str,
    iris_folder: Path,
    service_name: str,
    free_port: int,
) -> None:
    options = ("--model-dir", str(iris_folder), "--memory", "256m", "--port", str(free_port))
    assert infer("run", iris_image, "-d", "--name", service_name, *options).exit_code == 0

    found: dict[str, set[int]] = {}
    with ThreadPoolExecutor(4) as threads:
        for form in FORMS:
            for length in (16 * MEBIBYTE - 10, MEBIBYTE // 2, MEBIBYTE // 8, MEBIBYTE // 32):
                body = body_of(form, length)
                alone = ask(free_port, form, body)
                together = set(threads.map(lambda sent, form=form: ask(free_port, form, sent), [body] * 4))
                found.setdefault(form, set()).update({alone, *together})

    assert all(413 in statuses for statuses in found.values()), found
    assert all(statuses <= {200, 413, 503} for form, statuses in found.items() if form != "empty rows"), found
    assert found["empty rows"] <= {400, 413, 503}
    assert all(200 in statuses for form, statuses in found.items() if form != "empty rows")
    assert ask(free_port, "rows", json.dumps(FIRST_IRIS).encode()) == 200
    log = engine.api.logs(service_name).decode()
    assert "bodies may have " in log
    # It would say so of a worker that the kernel killed for memory.
    assert "was ended" not in log
