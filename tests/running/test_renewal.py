from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from infer_cli import certificates, tokens
from infer_cli.errors import ContainerFailed, InferError
from infer_cli.running import renewal
from infer_cli.running.renewal import renew_certificate
from tests.client.test_connection import server_context, serving
from tests.running.conftest import HERE, THERE, make_engine, make_service
from tests.service.certificates import make_pair

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.certificates import Pair


@pytest.fixture
def renewed(tmp_path: Path) -> Pair:
    found = certificates.read_pair(*make_pair(tmp_path / "renewed"))
    assert found is not None
    return found


@pytest.fixture
def access(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The id of a folder with a certificate."""
    monkeypatch.setenv("INFER_STATE_DIR", str(tmp_path / "state"))
    given = certificates.read_pair(*make_pair(tmp_path / "given"))
    assert given is not None
    access_id = tokens.new_id()
    certificates.put(access_id, given)
    return access_id


def test_a_service_without_a_certificate_cannot_have_it_renewed(renewed: Pair) -> None:
    with pytest.raises(InferError, match=r"^iris has no certificate that is kept here$"):
        renew_certificate(make_engine(HERE), make_service(None, 5000), renewed, timeout_s=1)


def test_a_copy_on_another_machine_stays_as_it_is(renewed: Pair, access: str) -> None:
    service = replace(make_service(None, 5000), access=access, has_certificate=True, has_tls=True)
    known = certificates.known_file(access)
    assert known is not None
    before = known.read_text()

    with pytest.raises(InferError, match=r"^iris runs on another machine"):
        renew_certificate(make_engine(THERE), service, renewed, timeout_s=1)

    assert known.read_text() == before


def test_it_waits_until_the_service_has_the_certificate(
    renewed: Pair, access: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "not_ready", lambda *words: ContainerFailed(words[2]))
    service = replace(make_service(None, 5000), access=access, has_certificate=True, has_tls=True)
    context = server_context(make_pair(tmp_path / "served"))
    with serving(context) as port:
        there = replace(service, host_port=port)
        with pytest.raises(ContainerFailed, match=r"^iris has not taken the certificate .* after 0\.5 s$"):
            renew_certificate(make_engine(HERE), there, renewed, timeout_s=0.5)

        # From now on, new connections have the other one.
        context.load_cert_chain(renewed.certificate, renewed.key)
        renew_certificate(make_engine(HERE), there, renewed, timeout_s=60)
