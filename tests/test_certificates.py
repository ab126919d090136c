from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from infer_cli import certificates, tokens
from infer_cli.certificates import known_file, put, read_pair
from infer_cli.errors import CertificateUnusable, UsageError
from tests.service.certificates import make_pair, openssl

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.certificates import Pair


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("INFER_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return make_pair(tmp_path / "tls")


def given(pair: Pair) -> certificates.Pair:
    found = read_pair(*pair)
    assert found is not None
    return found


def test_no_options_are_no_pair() -> None:
    assert read_pair(None, None) is None


@pytest.mark.parametrize(
    ("index", "message"), [(0, "--tls-cert needs --tls-key"), (1, "--tls-key needs --tls-cert")]
)
def test_one_option_needs_the_other(pair: Pair, index: int, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}$"):
        read_pair(*(file if at == index else None for at, file in enumerate(pair)))


def test_the_container_sees_both_and_nobody_else_comes_as_far(pair: Pair) -> None:
    access = tokens.new_id()

    put(access, given(pair))

    shared = tokens.shared_folder(access)
    assert [(shared / file.name).read_bytes() for file in pair] == [file.read_bytes() for file in pair]
    assert sorted(file.name for file in shared.iterdir()) == ["certificate.pem", "key.pem"]
    assert stat.S_IMODE(shared.parent.stat().st_mode) == 0o700
    known = known_file(access)
    assert known is not None
    assert stat.S_IMODE(known.stat().st_mode) == 0o600


def test_the_certificate_before_is_believed_too_and_none_of_an_authority(pair: Pair, tmp_path: Path) -> None:
    access = tokens.new_id()
    pairs = [pair, make_pair(tmp_path / "second"), make_pair(tmp_path / "third")]
    texts = [one.certificate.read_text() for one in pairs]
    for one in pairs:
        one.certificate.write_text(one.certificate.read_text() + texts[0])
        put(access, given(one))

    known = known_file(access)
    assert known is not None
    assert known.read_text() == texts[2] + texts[1]
    put(access, given(pairs[2]))
    assert known.read_text() == texts[2]


def test_the_digest_is_that_of_the_certificate(pair: Pair, tmp_path: Path) -> None:
    before = given(pair)
    assert given(pair) == before
    for file, new in zip(pair, make_pair(tmp_path / "new"), strict=True):
        new.replace(file)

    assert given(pair).digest != before.digest


def test_tokens_and_certificates_share_a_folder_that_is_forgotten_as_a_whole(pair: Pair) -> None:
    access = tokens.make_sure(None)
    put(access, given(pair))

    assert tokens.token_of(access) is not None
    tokens.forget(access)

    assert known_file(access) is None
    assert known_file(None) is None
    assert known_file("../..") is None


def test_files_that_no_service_could_use(pair: Pair, tmp_path: Path) -> None:
    def reason(certificate: Path, key: Path) -> str:
        with pytest.raises(CertificateUnusable) as caught:
            read_pair(certificate, key)
        return caught.value.message

    certificate, key = pair
    locked, empty, gone = (tmp_path / name for name in ("locked.pem", "empty.pem", "gone.pem"))
    openssl("pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", locked)
    empty.write_text("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----")
    other = make_pair(tmp_path / "other")

    assert reason(gone, key) == f"cannot read the certificate {gone}: No such file or directory"
    assert reason(certificate, gone) == f"cannot read the key {gone}: No such file or directory"
    assert reason(key, key) == f"{key} holds no certificate in PEM form"
    assert reason(empty, key) == f"{empty} holds no certificate in PEM form"
    assert reason(certificate, certificate) == f"{certificate} holds no private key in PEM form"
    assert reason(certificate, other.key) == f"{other.key} is not the key of the certificate {certificate}"
    rsa = make_pair(tmp_path / "rsa", "RSA 2048").key
    assert reason(certificate, rsa) == f"{rsa} is not the key of the certificate {certificate}"
    start = f"{locked} asks for a password"
    assert reason(certificate, locked) == f"{start}, which nobody would type when the service starts"
    key.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    assert reason(certificate, key).startswith(f"{certificate} and {key} cannot be used: ")
