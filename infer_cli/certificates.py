"""The certificates with which services speak TLS, kept beside their tokens.

The container sees copies of certificate and key in the folder that it sees of the tokens: any user of the
container may read them, and nobody else of this machine comes as far. Beside that folder, `known.pem` holds
the certificates that infer believes when it asks the service: the one that was given last, and the one
before, which the service may still have.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli import tokens
from infer_cli.errors import CertificateUnusable, UsageError

if TYPE_CHECKING:
    from pathlib import Path

CERTIFICATE_FILE, KEY_FILE = "certificate.pem", "key.pem"
_KNOWN = "known.pem"
# What OpenSSL says of a key of another certificate: of the same kind, or of another kind.
_MISMATCHES = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
_START, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


@dataclass(frozen=True)
class Pair:
    """The files of a certificate and its key, as the user names them, and a digest of the certificate."""

    certificate: Path
    key: Path
    digest: str


def read_pair(certificate: Path | None, key: Path | None) -> Pair | None:
    """The pair that the options name, checked; None if they name none.

    Raises `UsageError` if one is missing, and `CertificateUnusable` for files that a service could not use.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        given, missing = ("--tls-key", "--tls-cert") if certificate is None else ("--tls-cert", "--tls-key")
        raise UsageError(f"{given} needs {missing}", hint="name the certificate and its key, in PEM")
    found = first_certificate(_content(certificate, "certificate"))
    if found is None:
        raise CertificateUnusable(f"{certificate} holds no certificate in PEM form")
    secret = _content(key, "key")
    if "PRIVATE KEY-----" not in secret:
        raise CertificateUnusable(f"{key} holds no private key in PEM form")
    if "ENCRYPTED" in secret:
        raise CertificateUnusable(
            f"{key} asks for a password, which nobody would type when the service starts",
            hint=f"write the key without one: `openssl pkey -in {key} -out FILE`",
        )
    _check_together(certificate, key)
    return Pair(certificate, key, hashlib.sha256(found.encode()).hexdigest())


def put(access_id: str, pair: Pair) -> None:
    """Copy a pair to where the container sees it."""
    shared = tokens.make_folder(access_id)
    certificate = _content(pair.certificate, "certificate")
    tokens.replace_file(shared / KEY_FILE, _content(pair.key, "key"), mode=0o644)
    tokens.replace_file(shared / CERTIFICATE_FILE, certificate, mode=0o644)
    known = shared.parent / _KNOWN
    before = known.read_text() if known.is_file() else ""
    believed = dict.fromkeys(filter(None, map(first_certificate, (certificate, before))))
    tokens.replace_file(known, "".join(believed), mode=0o600)


def known_file(access_id: str | None) -> Path | None:
    """The file of certificates, one of which a service has; None if this user has none."""
    if access_id is None:
        return None
    file = tokens.shared_folder(access_id).parent / _KNOWN
    return file if file.is_file() else None


def _content(file: Path, what: str) -> str:
    try:
        return file.read_text("ascii", "replace")
    except OSError as error:
        raise CertificateUnusable(f"cannot read the {what} {file}: {error.strerror}") from error


def first_certificate(pem: str) -> str | None:
    """The first certificate of a text in PEM: the service's own, before those of authorities."""
    start = pem.find(_START)
    end = pem.find(_END, start)
    if start < 0 or end < 0:
        return None
    found = f"{pem[start : end + len(_END)]}\n"
    import ssl  # noqa: PLC0415 (keeps `infer --help` quick)

    try:
        return found if ssl.PEM_cert_to_DER_cert(found) else None
    except ValueError:
        return None


def _check_together(certificate: Path, key: Path) -> None:
    import ssl  # noqa: PLC0415 (keeps `infer --help` quick)

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        if error.reason in _MISMATCHES:
            raise CertificateUnusable(f"{key} is not the key of the certificate {certificate}") from error
        reason = (error.reason or "they cannot be read").replace("_", " ").lower()
        raise CertificateUnusable(f"{certificate} and {key} cannot be used: {reason}") from error
