"""The plan of a run: everything that decides how a service runs, before anything is done."""

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


# A model should not be put on the network by accident.
DEFAULT_HOST_IP = "127.0.0.1"
# The port on this machine; without --port, the next free port after it is taken too.
DEFAULT_PORT = 5000


@dataclass(frozen=True)
class Limits:
    """What a container may use. None: as much as the engine has."""

    memory: str | None = None
    cpus: float | None = None
    # A worker has up to some 140 threads, and each counts; a runaway program would want many more.
    processes: int | None = 2048


@dataclass(frozen=True)
class Safety:
    """What a container may not do, and who it runs as (None: the image's own user)."""

    user: str | None = None
    read_only: bool = True
    added_capabilities: tuple[str, ...] = ()
    new_privileges: bool = False


@dataclass(frozen=True)
class ModelMount:
    """A model folder on this machine, and the file in it that is served."""

    folder: Path
    file: str
    digest: str
    writable: bool = False
    # What is known of the file; the digest says already which file it is.
    inspection: Inspection | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class RunPlan:
    """Everything that decides how a service runs; without a `host_port` it has no network at all."""

    image: str
    name: str
    host_port: int | None
    model: ModelMount | None = None
    host_ip: str = DEFAULT_HOST_IP
    environment: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    safety: Safety = field(default_factory=Safety)
    restart: str = "no"
    # What the model may name besides the allow-list.
    trusted: tuple[str, ...] = ()
    # What runs in place of the service: a task that reads its input, writes its output, and ends.
    command: tuple[str, ...] = ()
    # Whether it is there for one of our commands only, which removes it.
    is_temporary: bool = False

    @property
    def all_environment(self) -> dict[str, str]:
        """The variables of the container: ours, then the user's, which win."""
        ours = {"MODEL_FILE": str(MOUNT_FOLDER / self.model.file)} if self.model else {}
        if self.trusted:
            ours[VARIABLE] = trust_text(self.trusted)
        return {**ours, **self.environment}

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the container."""
        found = {labels.SERVICE: __version__}
        if self.is_temporary:
            found[labels.TEMPORARY] = ""
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
