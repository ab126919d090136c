"""Certificates that are signed with their own keys, made by the openssl program."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from pathlib import Path

KINDS = {
    "P-256": ("ec", "ec_paramgen_curve:P-256"),
    "P-384": ("ec", "ec_paramgen_curve:P-384"),
    "P-521": ("ec", "ec_paramgen_curve:P-521"),
    "RSA 2048": ("rsa", "rsa_keygen_bits:2048"),
    "RSA 1024": ("rsa", "rsa_keygen_bits:1024"),
    "Ed25519": ("ed25519", ""),
}


class Pair(NamedTuple):
    """The files of a certificate and its key."""

    certificate: Path
    key: Path

    @property
    def settings(self) -> dict[str, str]:
        """The variables of a service that has them."""
        return {"TLS_CERTIFICATE": str(self.certificate), "TLS_KEY": str(self.key)}

    @property
    def context(self) -> ssl.SSLContext:
        """A client that takes this certificate alone, for the names that it bears."""
        return ssl.create_default_context(cafile=str(self.certificate))


def openssl(*words: str | Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("the openssl program makes the certificates")
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def make_pair(folder: Path, kind: str = "P-256") -> Pair:
    """Make a certificate for localhost, with a new key, in a folder."""
    folder.mkdir(exist_ok=True)
    pair = Pair(folder / "certificate.pem", folder / "key.pem")
    algorithm, option = KINDS[kind]
    openssl(
        *("req", "-x509", "-newkey", algorithm, *(("-pkeyopt", option) if option else ())),
        *("-nodes", "-keyout", pair.key, "-out", pair.certificate, "-days", "3", "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
    )
    return pair
