"""The context of a build: the files sent to the engine. The same plan gives the same bytes.

Owner, mode, time and order of all entries are fixed, so that no layer depends on the machine or the day.
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
    """One file of the context: its path there, and its source, which is a file to copy or the text itself.

    `mode` are its permissions in the image.
    """

    path: PurePosixPath
    source: Path | str
    mode: int = FILE_MODE

    @property
    def size_bytes(self) -> int:
        """The size of the file in the context, in bytes."""
        return self.source.stat().st_size if isinstance(self.source, Path) else len(self.source.encode())

    def open(self) -> BinaryIO:
        """Open the file to read its bytes."""
        return self.source.open("rb") if isinstance(self.source, Path) else io.BytesIO(self.source.encode())


@dataclass(frozen=True)
class Context:
    """Everything that a build may read; the `folders` exist in it even if no file lies in them."""

    files: tuple[ContextFile, ...]
    folders: tuple[PurePosixPath, ...] = ()

    @property
    def size_bytes(self) -> int:
        """The sum of the sizes of all files, in bytes."""
        return sum(file.size_bytes for file in self.files)

    def write_tar(self, target: BinaryIO) -> None:
        """Write the context as a tar archive to `target`."""
        with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for folder in _folders(self):
                archive.addfile(fixed_entry(str(folder), size=None))
            for file in sorted(self.files, key=lambda file: file.path):
                with file.open() as content:
                    entry = fixed_entry(str(file.path), size=file.size_bytes, mode=file.mode)
                    archive.addfile(entry, content)

    def write_folder(self, folder: Path) -> None:
        """Write the context as files into `folder`: plain `docker build` makes the same layers from it."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _folders(self):
            (folder / name).mkdir(exist_ok=True)
        for file in self.files:
            path = folder / file.path
            with file.open() as content, path.open("wb") as target:
                shutil.copyfileobj(content, target)
            path.chmod(file.mode)
            os.utime(path, (FIXED_MTIME, FIXED_MTIME))
        for name in reversed(_folders(self)):
            (folder / name).chmod(FOLDER_MODE)
            os.utime(folder / name, (FIXED_MTIME, FIXED_MTIME))


def _folders(context: Context) -> list[PurePosixPath]:
    """All folders of the context, parents before children."""
    parents = {parent for file in context.files for parent in file.path.parents}
    named = {parent for folder in context.folders for parent in (folder, *folder.parents)}
    return sorted((parents | named) - {PurePosixPath()})
