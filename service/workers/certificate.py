"""The certificate and the key with which the service speaks TLS.

They are read by the first process, before the service gives up the right to read files, and checked together.
Workers get them as files in memory. So the model cannot read the files, and a worker that is started later
finds a pair that fits, whatever has become of the files meanwhile.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

from service.errors import WrongSettings

if TYPE_CHECKING:
    from pathlib import Path

    from service.settings import Settings

_CERTIFICATE_START, _CERTIFICATE_END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_KEY_MARK = b"PRIVATE KEY-----"
# The object identifiers, in DER, of the keys that the server's TLS (rustls with ring) can sign with: RSA,
# P-256, P-384 and Ed25519; and how a certificate begins that has extensions (X.509, version 3).
_KNOWN_KEYS = tuple(
    map(bytes.fromhex, ("06092a864886f70d010101", "06082a8648ce3d030107", "06052b81040022", "06032b6570"))
)
# What OpenSSL says of a key of another certificate: of the same kind, or of another kind.
_MISMATCHES = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")
_VERSION_3 = bytes.fromhex("a003020102")
_VERSION_WITHIN = 16


class Certificate:
    """A certificate, with those that follow it in its file, and its key: read, checked, and kept in memory.

    `paths` are where processes that this one forks can read them as long as this object lives. `digest` tells
    it from another one.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read the files; raise `WrongSettings` if the service cannot use them."""
        contents = _content("TLS_CERTIFICATE", certificate), _content("TLS_KEY", key)
        _check(*contents, certificate, key)
        _check_together(certificate, key)
        self.digest = hashlib.sha256(b"".join(contents)).hexdigest()
        self.paths = str(certificate.absolute()), str(key.absolute())
        # Where the system has no files in memory, the files themselves are read.
        with suppress(AttributeError, OSError):
            self.paths = self._in_memory(contents[0]), self._in_memory(contents[1])

    @classmethod
    def of(cls, settings: Settings) -> Certificate | None:
        """Read the files that the settings name; None if they name none."""
        if settings.tls_certificate is None or settings.tls_key is None:
            return None
        return cls(settings.tls_certificate, settings.tls_key)

    def _in_memory(self, content: bytes) -> str:
        descriptor = os.memfd_create("infer-tls")
        weakref.finalize(self, os.close, descriptor)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        return f"/proc/self/fd/{descriptor}"


def _content(setting: str, file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise WrongSettings((f"cannot read {setting} {file}: {error.strerror}",)) from error


def _check(certificate: bytes, key: bytes, certificate_file: Path, key_file: Path) -> None:
    """Raise `WrongSettings` for what the server could not read; no error shows what the files hold."""
    found = first_certificate(certificate)
    if found is None:
        raise WrongSettings((f"TLS_CERTIFICATE {certificate_file} holds no certificate in PEM form",))
    if _KEY_MARK not in key:
        raise WrongSettings((f"TLS_KEY {key_file} holds no private key in PEM form",))
    if b"ENCRYPTED" in key:
        advice = f"write it without one: openssl pkey -in {key_file} -out FILE"
        raise WrongSettings((f"TLS_KEY {key_file} asks for a password, which nobody would type: {advice}",))
    if _VERSION_3 not in found[:_VERSION_WITHIN]:
        raise WrongSettings((f"TLS_CERTIFICATE {certificate_file} is not of version 3, as TLS needs it",))
    if not any(known in found for known in _KNOWN_KEYS):
        kinds = "RSA with 2048 bits or more, P-256, P-384 or Ed25519"
        raise WrongSettings((f"TLS_KEY {key_file} is of a kind that the server does not know: use {kinds}",))


def _check_together(certificate_file: Path, key_file: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Refuses keys that are too short for the server, such as RSA with 1024 bits.
    with suppress(ssl.SSLError):
        context.set_ciphers("DEFAULT@SECLEVEL=2")
    try:
        context.load_cert_chain(certificate_file, key_file)
    except OSError as error:
        # An error of TLS is one of the system's, too, and has a word of OpenSSL as its reason.
        said = getattr(error, "reason", None) or error.strerror or "they cannot be read"
        reason = said.replace("_", " ").lower()
        if said in _MISMATCHES:
            problem = f"TLS_KEY {key_file} is not the key of TLS_CERTIFICATE {certificate_file}"
        else:
            problem = f"TLS_CERTIFICATE {certificate_file} and TLS_KEY {key_file} cannot be used: {reason}"
        raise WrongSettings((problem,)) from None


def first_certificate(pem: bytes) -> bytes | None:
    """Give the first certificate of a text in PEM, in DER; None if there is none that can be read."""
    text = pem.decode("ascii", "replace")
    start = text.find(_CERTIFICATE_START)
    end = text.find(_CERTIFICATE_END, start)
    if start < 0 or end < 0:
        return None
    with suppress(ValueError):
        return ssl.PEM_cert_to_DER_cert(text[start : end + len(_CERTIFICATE_END)])
    return None
