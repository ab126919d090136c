"""The files of a certificate are replaced while the service runs."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import ssl
import sys
from typing import TYPE_CHECKING

import pytest

from service.workers import renewal
from service.workers.certificate import Certificate
from service.workers.renewal import Renewal
from tests.service.certificates import make_pair
from tests.service.workers.asking import asking
from tests.service.workers.test_supervisor import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression

    from tests.service.certificates import Pair
    from tests.service.conftest import Service


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path / "tls")


def renew(pair: Pair, folder: Path) -> None:
    """Put a new certificate and its key into the places of others."""
    for file, new in zip(pair, make_pair(folder)):
        new.replace(file)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch, pair: Pair) -> Renewal:
    monkeypatch.setattr(renewal, "LOOK_EVERY_S", 0)
    return Renewal(Certificate(*pair))


def test_a_renewed_pair_is_given_once_it_has_settled(looked: Renewal, pair: Pair, tmp_path: Path) -> None:
    assert looked.look() is None
    renew(pair, tmp_path / "new")

    found = [looked.look() for _ in range(4)]

    assert [one is not None for one in found] == [False, True, False, False]
    assert found[1] is not None
    assert found[1].digest == Certificate(*pair).digest


def test_files_that_are_written_again_and_hold_the_same_are_no_renewal(looked: Renewal, pair: Pair) -> None:
    for file in pair:
        file.write_bytes(file.read_bytes())

    assert [looked.look() for _ in range(3)] == [None] * 3


def test_a_pair_that_cannot_be_used_is_told_once(
    looked: Renewal, pair: Pair, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make_pair(tmp_path / "other").key.replace(pair.key)

    assert [looked.look() for _ in range(4)] == [None] * 4

    (record,) = caplog.records
    problem = f"TLS_KEY {pair.key} is not the key of TLS_CERTIFICATE {pair.certificate}"
    assert record.getMessage() == f"{problem}; the certificate that was read before stays in use"
    # Once it fits, it is taken.
    renew(pair, tmp_path / "new")
    assert [looked.look() is not None for _ in range(3)] == [False, True, False]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker cannot stop taking connections")
def test_a_renewed_certificate_is_served_without_a_failed_request(
    classifier: LogisticRegression,
    save: Callable[..., Path],
    launch: Callable[..., Service],
    pair: Pair,
    tmp_path: Path,
) -> None:
    service = launch(save(classifier), WORKERS="2", **pair.settings)
    contexts = [pair.context]

    def connect() -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("localhost", service.port, timeout=60, context=contexts[-1])

    def answers_by(context: ssl.SSLContext) -> bool:
        contexts.append(context)
        with contextlib.closing(connect()) as connection, contextlib.suppress(OSError):
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        return False

    wait_for(lambda: answers_by(pair.context))
    before = set(service.workers())
    # Both certificates are believed while they change.
    both = ssl.create_default_context(cafile=str(pair.certificate))
    made = make_pair(tmp_path / "new")
    both.load_verify_locations(cafile=str(made.certificate))
    contexts.append(both)
    with asking(connect) as clients:
        for file, new in zip(pair, made):
            new.replace(file)
        wait_for(lambda: len(service.workers()) == 2 and not before & set(service.workers()))

    assert clients.problems == []
    assert clients.answers > 0
    assert answers_by(pair.context)

    # A key that does not fit changes nothing, not even for a worker that is started later.
    make_pair(tmp_path / "other").key.replace(pair.key)
    wait_for(lambda: "is not the key of" in service.log.read_text())
    (killed, other) = service.workers()
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: len({*service.workers()} - {killed, other}) == 1 and len(service.workers()) == 2)
    wait_for(lambda: answers_by(pair.context))
    code, log = service.stop()
    assert code == 0
    assert log.count("the certificate was renewed: the workers are replaced one by one") == 1
