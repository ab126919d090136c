"""The files that a confined service may read: the model, Python and its packages, and the system's.

None of them is a folder that holds the home of the user: whoever starts a service there does not mean to show
all of it to the model.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.settings import Settings

# Programs' code, time zones, certificates, and what the C library looks up. No other file of /etc.
_SYSTEM = (
    *("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/locale.alias", "/etc/os-release"),
    *("/etc/nsswitch.conf", "/etc/hosts", "/etc/host.conf", "/etc/resolv.conf", "/etc/gai.conf"),
    *("/etc/passwd", "/etc/group", "/etc/services", "/etc/protocols", "/etc/mime.types"),
    *("/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/crypto-policies"),
)
# Processors, memory and limits, by which libraries choose how many threads they start, and the service's own
# processes, which /metrics measures. To a process that Landlock restricts, the kernel shows no memory, no
# environment and no open files of others.
_MACHINE = (
    *("/proc", "/sys/devices", "/sys/bus/pci", "/sys/fs/cgroup", "/sys/kernel/mm"),
    *("/dev/zero", "/dev/random", "/dev/urandom"),
)
WRITABLE = ("/dev/null",)
# `service.schema.declared.FILE_NAME`. Importing it would import NumPy, and NumPy starts threads.
_DECLARED = "infer.json"


def readable_paths(settings: Settings, environment: Mapping[str, str]) -> tuple[str, ...]:
    """List the files and folders that the service may read, the folders with all that lies in them."""
    home = _home(environment)
    named = (*_python_folders(environment), *settings.reads)
    folders = (folder for folder in named if not _holds(folder, home))
    found = map(str, (*_model_files(settings), *folders))
    return tuple(dict.fromkeys([*_SYSTEM, *_MACHINE, *found]))


def _model_files(settings: Settings) -> Iterator[Path]:
    """The model, what is declared of it, and the tokens; of the folders around them nothing else."""
    yield settings.model_file
    yield settings.model_file.parent / _DECLARED
    if settings.model_schema is not None:
        yield settings.model_schema
    if settings.tokens_file is not None:
        yield settings.tokens_file


def _python_folders(environment: Mapping[str, str]) -> Iterator[Path]:
    """The folders of Python, of its packages, of the service, and of libraries that packages link to."""
    yield Path(__file__).parents[1]
    for prefix in (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix):
        yield Path(prefix)
    libraries = environment.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    for folder in (*sys.path, *libraries):
        # A relative path, such as the empty one for the current folder, means another place tomorrow.
        if Path(folder).is_absolute():
            yield Path(folder)


def _home(environment: Mapping[str, str]) -> Path | None:
    home = environment.get("HOME", "")
    return Path(home).resolve() if Path(home).is_absolute() else None


def _holds(folder: Path, home: Path | None) -> bool:
    """Whether the folder is the home of the user, or is above it."""
    resolved = folder.resolve()
    return resolved == Path(resolved.anchor) or (home is not None and resolved in (home, *home.parents))
