"""Archives with one model inside: tar, also compressed, as SageMaker's `model.tar.gz`; and zip.

An archive is unpacked into the cache folder, under its digest, and the model there is what is inspected,
served and put into an image. Nothing but plain files is unpacked, and only one level of archives.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import shlex
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, NoReturn, cast

from infer_cli.cache import cache_folder
from infer_cli.errors import ModelNotFound, ModelUnreadable

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
# An archive that expands to more than 256 MiB and to more than 200 times its size is refused.
EXPANDED_BYTES_MAX = 256 * 2**20
EXPANSION_MAX = 200
FILES_MAX = 10_000
_CHUNK_BYTES = 2**20
_HINT = "Unpack it yourself, if you know what it holds, and name the model inside."


def is_packed(path: Path) -> bool:
    """Say whether a file has the name of an archive."""
    return path.name.lower().endswith(SUFFIXES) and not path.name.startswith(".")


def is_unpacked(path: Path) -> bool:
    """Say whether a file lies where archives are unpacked."""
    return path.is_relative_to(_cache())


def unpacked(path: Path) -> Path:
    """Give the folder with the files of an archive, which is unpacked unless it was before.

    Raises `ModelUnreadable` for an archive with links, with paths that lead out of it, or that expands
    without end.
    """
    try:
        with path.open("rb") as file:
            folder = _cache() / hashlib.file_digest(file, "sha256").hexdigest()
        if folder.is_dir():
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as name:
            whole = Path(name) / "whole"
            whole.mkdir(mode=0o755)
            _unpack(path, whole)
            # Another process may have been quicker.
            if not folder.is_dir():
                whole.rename(folder)
    except OSError as error:
        message = f"{path} cannot be unpacked: {error.strerror or error}."
        raise ModelUnreadable(message) from error
    return folder


def one_model(path: Path, models: list[Path], folder: Path) -> Path:
    """Give the only one of the models in the folder of an archive; raises `ModelNotFound`."""
    if len(models) == 1:
        return models[0]
    if not models:
        message = f"There is no model in {path}."
        raise ModelNotFound(message, hint="Put one model file into the archive, as model.joblib.")
    message = f"There are {len(models)} models in {path}."
    listed = "\n".join(str(model.relative_to(folder)) for model in models)
    hint = f"Unpack it, and choose one: infer inspect {shlex.quote(str(models[0].relative_to(folder)))}"
    raise ModelNotFound(message, hint=hint, detail=listed)


def _cache() -> Path:
    return cache_folder() / "unpacked"


def _unpack(path: Path, folder: Path) -> None:
    limit = max(EXPANDED_BYTES_MAX, EXPANSION_MAX * path.stat().st_size)
    try:
        if zipfile.is_zipfile(path):
            _unpack_zip(path, folder, limit)
        else:
            _unpack_tar(path, folder, limit)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError) as error:
        message = f"{path} is no archive that can be read: {error}."
        raise ModelUnreadable(message, hint="Copy or download it again.") from error
    except NotImplementedError as error:
        message = f"{path} is compressed or encrypted in a way that Python does not read: {error}."
        raise ModelUnreadable(message, hint=_HINT) from error


class _Bounded:
    """A stream of the expanded bytes of an archive, which refuses to give more than `limit` of them."""

    def __init__(self, path: Path, source: IO[bytes], limit: int) -> None:
        self._path = path
        self._source = source
        self._left = limit

    def read(self, size: int = _CHUNK_BYTES) -> bytes:
        """Give up to `size` bytes, b"" at the end."""
        data = self._source.read(min(size, self._left + 1))
        self._left -= len(data)
        if self._left < 0:
            _refuse(self._path, "expands without end")
        return data


def _unpack_tar(path: Path, folder: Path, limit: int) -> None:
    with path.open("rb") as raw, _expanded(raw) as content:
        bounded = cast("IO[bytes]", _Bounded(path, content, limit))
        with tarfile.open(fileobj=bounded, mode="r|") as archive:
            for number, member in enumerate(archive):
                if number == FILES_MAX:
                    _refuse(path, f"holds more than {FILES_MAX} files")
                if member.isdir():
                    continue
                if not member.isreg() or member.issparse():
                    _refuse(path, f"holds {member.name!a}, which is no plain file: a link, or a device")
                source = archive.extractfile(member)
                if source is not None:
                    _write(source, _target(path, folder, member.name), path)


@contextmanager
def _expanded(raw: IO[bytes]) -> Iterator[IO[bytes]]:
    start = raw.read(6)
    raw.seek(0)
    if start.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=raw) as content:
            yield cast("IO[bytes]", content)
    elif start.startswith(b"BZh"):
        with bz2.BZ2File(raw) as content:
            yield cast("IO[bytes]", content)
    elif start.startswith(b"\xfd7zXZ"):
        with lzma.LZMAFile(raw) as content:
            yield cast("IO[bytes]", content)
    else:
        yield raw


def _unpack_zip(path: Path, folder: Path, limit: int) -> None:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > FILES_MAX:
            _refuse(path, f"holds more than {FILES_MAX} files")
        if sum(member.file_size for member in members) > limit:
            _refuse(path, "expands without end")
        left = limit
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)
            if member.is_dir():
                continue
            if kind not in (0, stat.S_IFREG):
                _refuse(path, f"holds {member.filename!a}, which is no plain file: a link, or a device")
            if member.flag_bits & 1:
                _refuse(path, "is encrypted")
            target = _target(path, folder, member.filename)
            with archive.open(member) as source:
                # The size that an archive tells of a file may be wrong.
                _write(cast("IO[bytes]", _Bounded(path, source, left)), target, path)
            left -= target.stat().st_size


def _target(path: Path, folder: Path, name: str) -> Path:
    """Give where a file of the archive goes; refuse a name that leads out of the folder."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0] or "\0" in name:
        _refuse(path, f"holds a file that would lie outside of it: {name!a}")
    target = folder.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    return target


def _write(source: IO[bytes], target: Path, path: Path) -> None:
    try:
        with target.open("xb") as file:
            shutil.copyfileobj(source, file, _CHUNK_BYTES)
    except FileExistsError:
        _refuse(path, f"holds two files of the name {target.name!a}")


def _refuse(path: Path, reason: str) -> NoReturn:
    message = f"{path} {reason}."
    raise ModelUnreadable(message, hint=_HINT)
