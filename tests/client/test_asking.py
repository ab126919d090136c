"""Refused rows are told apart by asking a real service, and a service that is away is asked again."""

from __future__ import annotations

import json
import math
import os
import pickle
import signal
import socket
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression

from infer_cli.client.asking import Asker
from infer_cli.client.predictions import Predictions
from infer_cli.client.service_client import ServiceClient
from infer_cli.errors import RowsRefused, ServiceAway
from tests.client.conftest import ROW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from infer_cli.client.rows import Row

OTHER = {"slength": 7.0, "swidth": 3.2, "plength": 6.0, "pwidth": 2.2}


class Counting(ServiceClient):
    """Remembers how many rows each request had."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.asked: list[int] = []

    def predict(self, rows: Sequence[Row], *, first_row: int | None = None) -> Predictions:  # type: ignore[override]
        self.asked.append(len(rows))
        return super().predict(rows, first_row=first_row)


@pytest.fixture
def client(service: str) -> Iterator[Counting]:
    with closing(Counting(service)) as opened:
        yield opened


def test_refused_rows_are_told_apart_and_the_others_are_answered_once(client: Counting) -> None:
    """There are more wrong values than one answer lists."""
    wrong = [at for at in range(400) if at % 5 == 2]
    rows: list[Row] = [dict(OTHER if at % 3 else ROW) for at in range(400)]
    for at in wrong:
        rows[at] = {**rows[at], "swidth": "wide", "pwidth": None}

    found = Asker([client], 60).sort_out(client, rows)

    assert sorted(found.refused) == wrong
    assert set(found.refused.values()) == {'swidth is not a number: "wide"; pwidth has no value'}
    assert found.answer is not None
    assert found.answer.predictions == [
        "virginica" if at % 3 else "setosa" for at in range(400) if at not in wrong
    ]
    # The answer to each refused request names at least 24 rows.
    assert len(client.asked) <= 2 * math.ceil(len(wrong) / 24) + 1


def test_a_batch_without_a_good_row_has_no_answer(client: Counting) -> None:
    found = Asker([client], 60).sort_out(client, [{**ROW, "swidth": text} for text in "abc"])

    assert found.answer is None
    assert [found.refused[at] for at in range(3)] == [f'swidth is not a number: "{text}"' for text in "abc"]


def test_rows_that_the_model_itself_refuses_are_told_apart(
    start_service: Callable[..., str], tmp_path: Path
) -> None:
    """A service names the first of them alone."""
    model = IsotonicRegression(out_of_bounds="raise").fit(np.arange(10.0), np.arange(10.0))
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    rows: list[Row] = [{"x0": float(at)} for at in (1, 2, 99, 3, 98, 97, 4)]

    with closing(Counting(start_service(tmp_path / "model.pkl"))) as client:
        found = Asker([client], 60).sort_out(client, rows)

    assert sorted(found.refused) == [2, 4, 5]
    assert found.refused[2].startswith("the model itself refuses it: ")
    assert found.answer is not None
    assert found.answer.predictions == [1.0, 2.0, 3.0, 4.0]
    assert len(client.asked) < 2 * len(rows)


def test_rows_that_are_too_much_for_one_request_are_halved(
    start_service: Callable[..., str], iris_folder: Path
) -> None:
    rows: list[Row] = [dict(ROW) for _ in range(20)]
    rows[13] = {**ROW, "slength": "long " * 200}

    with closing(Counting(start_service(iris_folder / "model.pkl", MAX_BODY_BYTES="700"))) as client:
        found = Asker([client], 60).sort_out(client, rows)

    assert list(found.refused) == [13]
    assert found.refused[13].startswith("The body is longer than the 700 bytes that are allowed")
    assert found.answer is not None
    assert len(found.answer.predictions) == 19


def refusal(message: str, details: object) -> bytes:
    return json.dumps({"error": {"code": "x", "message": message, "details": details}}).encode()


def test_a_row_for_which_the_model_fails_is_refused(answering: Callable[..., ServiceClient]) -> None:
    failed = refusal("The model itself failed for row 1, with KeyError", {"exception": "KeyError", "row": 1})
    client = answering((500, failed), (200, b'{"predictions": [1]}'), (200, b'{"predictions": [3]}'))

    found = Asker([client], 60).sort_out(client, [{}, {}, {}])

    assert found.refused == {1: "The model itself failed for row 1, with KeyError"}
    assert found.answer == Predictions([1, 3], None)


def test_rows_that_fail_only_together_are_halved(answering: Callable[..., ServiceClient]) -> None:
    failed = refusal("The model itself failed for this request", {"exception": "KeyError"})
    client = answering((500, failed), (200, b'{"predictions": [1]}'), (200, b'{"predictions": [2]}'))

    found = Asker([client], 60).sort_out(client, [{}, {}])

    assert (found.answer, found.refused) == (Predictions([1, 2], None), {})


BUSY = (503, refusal("try again", None), ("Retry-After", "1"))


def test_a_service_that_is_busy_or_hangs_up_is_asked_again(
    answering: Callable[..., ServiceClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = answering(BUSY, (502, b"<h1>Bad gateway</h1>"), (200, b'{"predictions": [1]}'))
    asker = Asker([client], 60)
    pauses: list[float] = []

    def wait(pause_s: float) -> bool:
        pauses.append(pause_s)
        return False

    monkeypatch.setattr(asker._ended, "wait", wait)

    assert asker.predict(client, [{}]).predictions == [1]
    # The first is what the service wants, the second grows from half a second.
    assert pauses == [1.0, 1.0]


def test_patience_has_an_end() -> None:
    client = ServiceClient("http://127.0.0.1:1")

    with pytest.raises(ServiceAway, match="did not answer POST /prediction"):
        Asker([client], 0).predict(client, [{}])


def test_a_refusal_is_not_asked_again(answering: Callable[..., ServiceClient]) -> None:
    client = answering((400, refusal("no", None)))

    with pytest.raises(RowsRefused):
        Asker([client], 60).predict(client, [{}])


def test_batches_are_answered_in_their_order_by_all_connections() -> None:
    """The first answers come last; no more batches are read than can be asked and two."""
    clients = [ServiceClient(f"http://127.0.0.1:{port}") for port in (1, 2, 3)]
    read: list[int] = []
    most: list[int] = []
    together = threading.Barrier(3)
    used: set[str] = set()

    def batches() -> Iterator[int]:
        for number in range(30):
            read.append(number)
            yield number

    def ask(client: ServiceClient, batch: int) -> int:
        used.add(client.url)
        # Three requests are in other threads at the same time, or this would never end.
        together.wait(timeout=60)
        return -batch

    with Asker(clients, 60).answers(batches(), ask) as answered:
        found = []
        for batch, answer in answered:
            found.append((batch, answer))
            most.append(len(read) - len(found))

    assert found == [(number, -number) for number in range(30)]
    assert max(most) <= len(clients) + 1
    assert len(used) == 3


def test_what_was_read_before_a_wrong_line_is_answered_first() -> None:
    def batches() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError

    answers: list[int] = []
    with (
        pytest.raises(ValueError, match=r"^$"),
        Asker([ServiceClient("http://127.0.0.1:1")], 60).answers(
            batches(), lambda _, batch: batch
        ) as answered,
    ):
        answers.extend(batch for batch, _ in answered)

    assert answers == [1, 2]


def test_the_end_does_not_wait_for_an_answer() -> None:
    """Ctrl-C must not wait for a slow model."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = ServiceClient(f"http://127.0.0.1:{silent.getsockname()[1]}")
        asker = Asker([client], 600)

        def interrupt() -> None:
            with silent.accept()[0] as connection:
                connection.recv(1)
                os.kill(os.getpid(), signal.SIGINT)
                # Until the client hangs up.
                while connection.recv(65536):
                    pass

        thread = threading.Thread(target=interrupt)
        thread.start()
        with (
            closing(client),
            pytest.raises(KeyboardInterrupt),
            asker.answers(iter([1]), lambda client, _: asker.predict(client, [{}])) as answered,
        ):
            next(answered)
        thread.join()
