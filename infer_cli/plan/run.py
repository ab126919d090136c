"""The plan of a run: everything that decides how a container runs, before the engine is asked."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from infer_cli import __version__
from infer_cli.plan import labels
from infer_cli.plan.layout import ACCESS_FOLDER, MOUNT_FOLDER
from infer_cli.plan.settings import ALLOWED_HOSTS, EGRESS, TLS_CERTIFICATE, TLS_KEY, TOKENS_FILE
from infer_cli.plan.trust import VARIABLE, trust_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infer_cli.inspection import Inspection

# Only this machine reaches the port: nobody should put a model on the network by accident.
DEFAULT_HOST_IP = "127.0.0.1"
# The port on this machine; without --port, the next free port after it is taken too.
DEFAULT_PORT = 5000
# Where the container finds the tokens that infer made.
TOKENS = str(ACCESS_FOLDER / "tokens")
# Where it finds the certificate and the key that the user gave.
TLS_FILES = {
    TLS_CERTIFICATE: str(ACCESS_FOLDER / "certificate.pem"),
    TLS_KEY: str(ACCESS_FOLDER / "key.pem"),
}
# The setting of the service with the names of its model.
NAME_VARIABLE = "MODEL_NAME"


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches what is published on the address."""
    return address.startswith("127.") or address in ("::1", "localhost")


def needs_tokens(host_ip: str, environment: Mapping[str, str], *, wanted: bool | None) -> bool:
    """Whether the service asks for tokens that infer makes: as wanted, or else where others reach it.

    No token is made for a service that is given a file of tokens.
    """
    if wanted is None:
        return not is_loopback(host_ip) and not environment.get(TOKENS_FILE)
    return wanted


@dataclass(frozen=True)
class Limits:
    """The resources that a container may use; None means no limit.

    `memory` is in Docker's notation, such as 512m; `processes` also counts threads.
    """

    memory: str | None = None
    cpus: float | None = None
    # A worker has up to about 140 threads; a runaway program would exceed 2,048.
    processes: int | None = 2048


@dataclass(frozen=True)
class Safety:
    """The restrictions of a container, and its user as `UID[:GID]` (None means the image's own user)."""

    user: str | None = None
    read_only: bool = True
    added_capabilities: tuple[str, ...] = ()
    new_privileges: bool = False


@dataclass(frozen=True)
class ModelMount:
    """A model folder on this machine, and the file in it to serve, with the SHA-256 digest of the file."""

    folder: Path
    file: str
    digest: str
    writable: bool = False
    # Left out of comparisons: the digest already identifies the file.
    inspection: Inspection | None = field(default=None, compare=False, repr=False)

    @property
    def origin(self) -> str:
        """A digest of the path of the file."""
        return origin_of(str(self.folder), self.file)


def origin_of(folder: str, file: str) -> str:
    """A digest of the path of a model file, which tells whether two services serve the same file."""
    return f"sha256:{hashlib.sha256(os.fsencode(f'{folder}/{file}')).hexdigest()}"


@dataclass(frozen=True)
class RunPlan:
    """Everything that decides how a container runs.

    Without a `host_port` the container has no network at all, unless it `has_egress`. `trusted` holds the
    modules and full names that the model may name besides the allow-list. A `command` replaces the service: a
    program that reads its standard input, writes its result, and ends. `is_temporary` marks a container that
    a command of infer creates for itself and removes. `fingerprint` is a digest of all that `infer up` was
    asked for. `access` is the id of the tokens that the service asks for, and of its certificate, and
    `access_folder` the folder of this machine that the container sees of them.
    """

    image: str
    name: str
    host_port: int | None
    model: ModelMount | None = None
    host_ip: str = DEFAULT_HOST_IP
    environment: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    safety: Safety = field(default_factory=Safety)
    restart: str = "no"
    trusted: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    is_temporary: bool = False
    fingerprint: str | None = None
    access: str | None = None
    access_folder: Path | None = None
    has_tokens: bool = False
    has_certificate: bool = False

    @property
    def has_egress(self) -> bool:
        """Whether the service may connect to other programs."""
        return self.environment.get(EGRESS) == "1"

    @property
    def all_environment(self) -> dict[str, str]:
        """The environment variables of the container; a variable of the user overrides one of infer."""
        settings = {"MODEL_FILE": str(MOUNT_FOLDER / self.model.file)} if self.model else {}
        if not self.command:
            # Clients of other servers ask for the model by the name of the service.
            settings[NAME_VARIABLE] = self.name
        if self.trusted:
            settings[VARIABLE] = trust_text(self.trusted)
        if self.has_tokens:
            settings[TOKENS_FILE] = TOKENS
        if self.has_certificate:
            settings |= TLS_FILES
        hosts = {ALLOWED_HOSTS: self.allowed_hosts} if self.allowed_hosts and not self.command else {}
        return {**settings, **self.environment, **hosts}

    @property
    def allowed_hosts(self) -> str:
        """The names under which the service answers, besides IP addresses and localhost; empty for any.

        A service that only this machine reaches answers to its own name, by which other containers call it,
        and to those that the user gives. One that the network reaches has any name, unless some are given.
        """
        given = self.environment.get(ALLOWED_HOSTS, "").strip()
        if given.startswith(("*", "[")) or not (given or is_loopback(self.host_ip)):
            return given
        return ",".join(dict.fromkeys([*filter(None, given.split(",")), self.name]))

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the container."""
        found = {labels.SERVICE: __version__}
        if self.is_temporary:
            found[labels.TEMPORARY] = ""
        elif self.access:
            found[labels.ACCESS] = self.access
        if self.fingerprint:
            found[labels.FINGERPRINT] = self.fingerprint
        if self.trusted:
            found[labels.TRUST] = trust_text(self.trusted)
        if self.model is not None:
            found[labels.MODEL_DIGEST] = f"sha256:{self.model.digest}"
            found[labels.MODEL_FILE] = self.model.file
            found[labels.MODEL_ORIGIN] = self.model.origin
        return found

    def at_port(self, host_port: int) -> RunPlan:
        """The same plan on another port of this machine."""
        return replace(self, host_port=host_port)
