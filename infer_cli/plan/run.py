"""The plan of a run: everything that decides how a container runs, before the engine is asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from infer_cli import __version__
from infer_cli.plan import labels
from infer_cli.plan.layout import MOUNT_FOLDER
from infer_cli.plan.trust import VARIABLE, trust_text

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.inspection import Inspection

# Only this machine reaches the port: nobody should put a model on the network by accident.
DEFAULT_HOST_IP = "127.0.0.1"
# The port on this machine; without --port, the next free port after it is taken too.
DEFAULT_PORT = 5000


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


@dataclass(frozen=True)
class RunPlan:
    """Everything that decides how a container runs.

    Without a `host_port` the container has no network at all. `trusted` holds the modules and full names
    that the model may name besides the allow-list. A `command` replaces the service: a program that reads
    its standard input, writes its result, and ends. `is_temporary` marks a container that a command of infer
    creates for itself and removes. `fingerprint` is a digest of all that `infer up` was asked for.
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

    @property
    def all_environment(self) -> dict[str, str]:
        """The environment variables of the container; a variable of the user overrides one of infer."""
        settings = {"MODEL_FILE": str(MOUNT_FOLDER / self.model.file)} if self.model else {}
        if self.trusted:
            settings[VARIABLE] = trust_text(self.trusted)
        return {**settings, **self.environment}

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the container."""
        found = {labels.SERVICE: __version__}
        if self.is_temporary:
            found[labels.TEMPORARY] = ""
        if self.fingerprint:
            found[labels.FINGERPRINT] = self.fingerprint
        if self.trusted:
            found[labels.TRUST] = trust_text(self.trusted)
        if self.model is not None:
            found[labels.MODEL_DIGEST] = f"sha256:{self.model.digest}"
            found[labels.MODEL_FILE] = self.model.file
            found[labels.MODEL_FOLDER] = str(self.model.folder)
        return found

    def at_port(self, host_port: int) -> RunPlan:
        """The same plan on another port of this machine."""
        return replace(self, host_port=host_port)
