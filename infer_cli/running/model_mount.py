"""The model folder of a service: its model file, the user that can read it, and changes since the start."""

from __future__ import annotations

import hashlib
import platform
import shlex
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from infer_cli.errors import ModelNotFound, ModelUnreadable, UsageError
from infer_cli.inspection import NOTHING_DECLARED, find_model, inspect_model, is_unpacked
from infer_cli.plan.run import ModelMount

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.engine.services import Service
    from infer_cli.inspection import Declared, Inspection

_ANYONE_ENTERS = stat.S_IROTH | stat.S_IXOTH

# What became of the model file of a running service.
OnDisk = Literal["same", "changed", "missing"]


def mount_model(
    folder: Path | None,
    name: str | None,
    *,
    writable: bool,
    is_baked: bool = False,
    declared: Declared = NOTHING_DECLARED,
) -> ModelMount | None:
    """The mount for the options `--model-dir` and `--model-file`; None without a folder.

    The file is inspected, so that an unusable file is an error before anything starts. Its names are judged
    later, as the image may trust more of them. A file that `is_baked` is copied into the image, and may be a
    link to a file outside the folder. `declared` is what the user says of the model.
    """
    if folder is None:
        if name is not None:
            raise UsageError("--model-file needs --model-dir", hint="say which folder the model is in")
        return None
    mount, _ = mount_found(folder, name, writable=writable, is_baked=is_baked, declared=declared)
    return mount


def mount_found(
    folder: Path,
    name: str | None,
    *,
    writable: bool = False,
    is_baked: bool = False,
    declared: Declared = NOTHING_DECLARED,
) -> tuple[ModelMount, Inspection]:
    """The mount for a folder, and the inspection of its model; raises `ModelError`."""
    file = find_model(folder, name)
    root, target = folder.resolve(), file.resolve()
    if is_unpacked(file):
        root = target.parent
    if is_baked and not target.is_relative_to(root):
        root = target.parent
    if not target.is_relative_to(root):
        raise ModelNotFound(
            f"{file} is a link to {target}, which the container would not see: only {folder} is mounted",
            hint=f"name the folder that holds it: --model-dir {shlex.quote(str(target.parent))} "
            f"--model-file {shlex.quote(target.name)}; or put the model inside an image: "
            f"`infer build {shlex.quote(str(target))} --bake`",
        )
    inspection = inspect_model(file, declared)
    mount = ModelMount(
        folder=root,
        file=target.relative_to(root).as_posix(),
        digest=inspection.sha256,
        writable=writable,
        inspection=inspection,
    )
    return mount, inspection


def user_for(model: ModelMount | None, *, engine_is_local: bool) -> str | None:
    """The user (`UID:GID`) that the container must run as to read the model, or None if any user can.

    Owners matter only where a Linux engine on this machine mounts the folder itself. Raises
    `ModelUnreadable` if only root can read the file.
    """
    if model is None or not engine_is_local or platform.system() != "Linux":
        return None
    file = model.folder / model.file
    folders = [folder for folder in file.parents if folder.is_relative_to(model.folder)]
    can_enter = all(folder.stat().st_mode & _ANYONE_ENTERS == _ANYONE_ENTERS for folder in folders)
    status = file.stat()
    if can_enter and status.st_mode & stat.S_IROTH:
        return None
    if status.st_uid == 0:
        path = shlex.join(map(str, reversed(folders)))
        raise ModelUnreadable(
            f"only root can read {file}, and the service does not run as root",
            hint=f"let others read it: chmod o+rx {path} && chmod o+r {shlex.quote(str(file))}",
        )
    return f"{status.st_uid}:{status.st_gid}"


def model_on_disk(
    service: Service, *, engine_is_local: bool, served_digest: Callable[[], str]
) -> OnDisk | None:
    """Compare the model file on this machine with the file that a running service loaded.

    None if they cannot be compared: the model is inside the image, or was copied to an engine on another
    machine. The content is read only if the file is newer than the start of the service; if it is not the one
    that was loaded then, the service is asked for the digest of the model that it serves.
    """
    if not (engine_is_local and service.model_folder and service.model and service.started_at):
        return None
    file = Path(service.model_folder) / service.model
    try:
        status = file.stat()
        # A file that was moved here keeps its time of modification; only its time of change is new.
        if max(status.st_mtime, status.st_ctime) <= service.started_at.timestamp():
            return "same"
        with file.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return "missing"
    except OSError:
        return None
    found = f"sha256:{digest}"
    return "same" if found in (service.model_digest, served_digest()) else "changed"
