"""The files sent to the engine for a build: the same plan gives the same bytes.

Owner, mode, time and order are fixed here, so that neither the machine nor the day changes a layer.
"""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from infer_cli.reproducible_tar import FILE_MODE, FIXED_MTIME, FOLDER_MODE, fixed_entry


@dataclass(frozen=True)
class ContextFile:
    """One file of the context: its path there, and its text or the file that it is copied from."""

    path: PurePosixPath
    source: Path | str

    @property
    def size_bytes(self) -> int:
        """The size that the file has in the context."""
        return self.source.stat().st_size if isinstance(self.source, Path) else len(self.source.encode())

    def open(self) -> BinaryIO:
        """The bytes of the file."""
        return self.source.open("rb") if isinstance(self.source, Path) else io.BytesIO(self.source.encode())


@dataclass(frozen=True)
class Context:
    """Everything that a build may read. `folders` exist even if nothing is in them."""

    files: tuple[ContextFile, ...]
    folders: tuple[PurePosixPath, ...] = ()

    @property
    def size_bytes(self) -> int:
        """The sum of the files' sizes."""
        return sum(file.size_bytes for file in self.files)

    def write_tar(self, target: BinaryIO) -> None:
        """Write the context as a tar archive to `target`."""
        with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for folder in _folders(self):
                archive.addfile(fixed_entry(str(folder), size=None))
            for file in sorted(self.files, key=lambda file: file.path):
                with file.open() as content:
                    archive.addfile(fixed_entry(str(file.path), size=file.size_bytes), content)

    def write_folder(self, folder: Path) -> None:
        """Write the context as files into `folder`, which plain `docker build` makes the same layers from."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _folders(self):
            (folder / name).mkdir(exist_ok=True)
        for file in self.files:
            path = folder / file.path
            with file.open() as content, path.open("wb") as target:
                shutil.copyfileobj(content, target)
            path.chmod(FILE_MODE)
            os.utime(path, (FIXED_MTIME, FIXED_MTIME))
        for name in reversed(_folders(self)):
            (folder / name).chmod(FOLDER_MODE)
            os.utime(folder / name, (FIXED_MTIME, FIXED_MTIME))


def _folders(context: Context) -> list[PurePosixPath]:
    parents = {parent for file in context.files for parent in file.path.parents}
    named = {parent for folder in context.folders for parent in (folder, *folder.parents)}
    return sorted((parents | named) - {PurePosixPath()})
