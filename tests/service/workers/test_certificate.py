from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service.errors import WrongSettings
from service.settings import Settings
from service.workers.certificate import Certificate
from tests.service.certificates import make_pair, openssl

if TYPE_CHECKING:
    from tests.service.certificates import Pair


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path / "tls")


def problem_of(pair: Pair) -> str:
    with pytest.raises(WrongSettings) as caught:
        Certificate(*pair)
    (problem,) = caught.value.problems
    return problem


def test_without_the_settings_there_is_none() -> None:
    assert Certificate.of(Settings(Path("model.pkl"))) is None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the files themselves are read")
def test_what_was_read_stays_whatever_becomes_of_the_files(pair: Pair) -> None:
    contents = [file.read_bytes() for file in pair]
    certificate = Certificate.of(Settings(Path("m.pkl"), tls_certificate=pair.certificate, tls_key=pair.key))
    assert certificate is not None

    for file in pair:
        file.unlink()

    assert [Path(path).read_bytes() for path in certificate.paths] == contents
    descriptors = [int(Path(path).name) for path in certificate.paths]
    del certificate
    for descriptor in descriptors:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


@pytest.mark.parametrize("kind", ["RSA 2048", "P-384", "Ed25519"])
def test_kinds_of_keys(tmp_path: Path, kind: str) -> None:
    Certificate(*make_pair(tmp_path, kind))


def test_a_key_in_the_file_of_its_certificate(pair: Pair) -> None:
    pair.certificate.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())

    Certificate(pair.certificate, pair.certificate)


@pytest.mark.parametrize("kind", ["RSA 1024", "P-521"])
def test_a_key_that_the_server_cannot_use(tmp_path: Path, kind: str) -> None:
    pair = make_pair(tmp_path, kind)

    kinds = "RSA with 2048 bits or more, P-256, P-384 or Ed25519"
    assert problem_of(pair) in {
        f"TLS_CERTIFICATE {pair.certificate} and TLS_KEY {pair.key} cannot be used: ee key too small",
        f"TLS_KEY {pair.key} is of a kind that the server does not know: use {kinds}",
    }


@pytest.mark.parametrize("kind", ["P-256", "P-384", "RSA 2048", "Ed25519"])
def test_the_key_of_another_certificate(pair: Pair, tmp_path: Path, kind: str) -> None:
    other = make_pair(tmp_path / "other", kind)

    problem = problem_of(pair._replace(key=other.key))

    assert problem == f"TLS_KEY {other.key} is not the key of TLS_CERTIFICATE {pair.certificate}"


def test_a_key_with_a_password(pair: Pair) -> None:
    locked = pair.key.with_name("locked.pem")
    openssl("pkey", "-in", pair.key, "-aes256", "-passout", "pass:secret", "-out", locked)

    problem = problem_of(pair._replace(key=locked))

    assert problem == (
        f"TLS_KEY {locked} asks for a password, which nobody would type: "
        f"write it without one: openssl pkey -in {locked} -out FILE"
    )


def test_files_that_are_missing(pair: Pair) -> None:
    pair.key.unlink()
    assert problem_of(pair) == f"cannot read TLS_KEY {pair.key}: No such file or directory"
    pair.certificate.unlink()
    assert problem_of(pair) == f"cannot read TLS_CERTIFICATE {pair.certificate}: No such file or directory"


def test_files_that_hold_something_else_and_are_not_shown(pair: Pair) -> None:
    key = pair.key.read_bytes()
    pair.key.write_text("secret")
    assert problem_of(pair) == f"TLS_KEY {pair.key} holds no private key in PEM form"
    pair.certificate.write_bytes(key)
    assert problem_of(pair) == f"TLS_CERTIFICATE {pair.certificate} holds no certificate in PEM form"
    pair.certificate.write_text("-----BEGIN CERTIFICATE-----\nsecret\n-----END CERTIFICATE-----")
    assert problem_of(pair) == f"TLS_CERTIFICATE {pair.certificate} holds no certificate in PEM form"


def test_a_certificate_of_the_first_version(pair: Pair) -> None:
    request = pair.key.with_name("request.pem")
    openssl("req", "-new", "-key", pair.key, "-subj", "/CN=localhost", "-out", request)
    openssl("x509", "-req", "-in", request, "-signkey", pair.key, "-out", pair.certificate)
    if b"a003020102" in openssl_der(pair).hex().encode():
        pytest.skip("this openssl makes certificates of version 3 alone")

    assert problem_of(pair) == f"TLS_CERTIFICATE {pair.certificate} is not of version 3, as TLS needs it"


def openssl_der(pair: Pair) -> bytes:
    target = pair.certificate.with_suffix(".der")
    openssl("x509", "-in", pair.certificate, "-outform", "DER", "-out", target)
    return target.read_bytes()[:20]
