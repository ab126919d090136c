"""The packages of a lock, fetched on the host and packed into one tar archive for the image.

The bytes of the archive depend only on the lock and the platform, so infer caches the archive.
"""

from __future__ import annotations

import compileall
import io
import re
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from py_compile import PycInvalidationMode
from typing import TYPE_CHECKING

from infer_cli.packages.lock import target_options
from infer_cli.packages.uv import current_python, run_uv
from infer_cli.reproducible_tar import fixed_entry

if TYPE_CHECKING:
    from infer_cli.image.base import BaseImage
    from infer_cli.packages.lock import Lock

IMAGE_FOLDER = PurePosixPath("opt/infer/packages")
# The template puts this folder on LD_LIBRARY_PATH.
LIBRARY_FOLDER = PurePosixPath("opt/infer/lib")
# LightGBM loads the system's OpenMP library, which slim images lack. The wheel of scikit-learn contains that
# library under another file name. A link to it gives both packages one library, and so one thread pool.
_OPENMP = "libgomp.so.1"
# The version of the archive's content, part of the cache key: a change of the content needs a new number.
_FORMAT = 6
_KEPT_ARCHIVES = 8
# Files that no service needs: tests, type stubs, C and Cython sources, training data, installed programs, and
# what `service/web/viewer.py` does not serve of Swagger UI.
_LEFT_OUT = re.compile(
    r"(?:^|/)tests?/"
    r"|\.(?:pyi|pyx|pxd|pxi|tp|h|hpp|c|cpp)$"
    r"|^sklearn/datasets/(?:data|images)/"
    r"|^flask_swagger_ui/(?:templates/|README|dist/(?!$|LICENSE$|swagger-ui-bundle\.js$|swagger-ui\.css$))"
    r"|^bin/"
    r"|^\.lock$"
)
# SciPy imports numpy.testing, which takes one class from a tests folder.
_NEEDED_TESTS = re.compile(r"^numpy/_core/tests/(?:__init__|_natype)\.py$")


def packages_archive(lock: Lock, base: BaseImage, *, cache: Path, with_bytecode: bool = False) -> Path:
    """The tar archive of the packages of `lock`, with the paths that they have in the image.

    `with_bytecode` adds their bytecode, if infer runs on the image's Python version: no other version can
    compile it. uv fetches missing packages and checks every hash. Raises `LockFailed`.
    """
    compiles = with_bytecode and base.python == ".".join(map(str, sys.version_info[:2]))
    key = f"v{_FORMAT}-{lock.digest.removeprefix('sha256:')[:32]}-py{base.python}-{base.wheel_platform}"
    key += "-compiled" if compiles else ""
    folder = cache / "packages"
    archive = folder / f"{key}.tar"
    if archive.exists():
        archive.touch()
        return archive
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="new-") as name:
        work = Path(name)
        _install(lock, base, work)
        _remove_foreign_bytecode(work / "site")
        if compiles:
            _compile(work / "site")
        _pack(work / "site", work / "packages.tar")
        # A rename is atomic: two builds at once never see an incomplete archive.
        (work / "packages.tar").replace(archive)
    _forget_oldest(folder)
    return archive


def _install(lock: Lock, base: BaseImage, work: Path) -> None:
    requirements = work / "requirements.lock"
    requirements.write_text(lock.text)
    run_uv(
        [
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "--python",
            current_python(),
            "--target",
            str(work / "site"),
            *target_options(base),
            "--requirements",
            str(requirements),
        ],
        doing="fetch the packages of the lock",
    )


def _remove_foreign_bytecode(site: Path) -> None:
    """Remove bytecode that wheels contain: Python would use it without a check against the source."""
    for folder in sorted(site.rglob("__pycache__")):
        shutil.rmtree(folder)


def _compile(site: Path) -> None:
    """Compile to bytecode that names each module by its path in the image."""
    compileall.compile_dir(
        str(site),
        quiet=2,
        stripdir=str(site),
        prependdir=f"/{IMAGE_FOLDER}",
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )


def _pack(site: Path, archive: Path) -> None:
    """Write the installed files to `archive`, sorted, with fixed owner, mode and time."""
    with tarfile.open(archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in reversed(IMAGE_FOLDER.parents[:-1]):
            tar.addfile(fixed_entry(str(folder), size=None))
        _link_openmp(tar, site)
        tar.addfile(fixed_entry(str(IMAGE_FOLDER), size=None))
        for path in sorted(site.rglob("*")):
            relative = path.relative_to(site).as_posix()
            if path.is_dir():
                if not _is_left_out(f"{relative}/"):
                    tar.addfile(fixed_entry(f"{IMAGE_FOLDER}/{relative}", size=None))
            elif _is_record(relative):
                content = _record_of_kept(path.read_text())
                entry = fixed_entry(f"{IMAGE_FOLDER}/{relative}", size=len(content))
                tar.addfile(entry, io.BytesIO(content))
            elif not _is_left_out(relative):
                _add_file(tar, f"{IMAGE_FOLDER}/{relative}", path)


def _link_openmp(tar: tarfile.TarFile, site: Path) -> None:
    """Link scikit-learn's OpenMP library to its usual file name, if scikit-learn is among the packages."""
    found = min(site.glob("scikit_learn.libs/libgomp-*.so*"), default=None)
    if found is None:
        return
    tar.addfile(fixed_entry(str(LIBRARY_FOLDER), size=None))
    link = fixed_entry(f"{LIBRARY_FOLDER}/{_OPENMP}", size=0)
    link.type, link.linkname = tarfile.SYMTYPE, f"/{IMAGE_FOLDER}/{found.relative_to(site).as_posix()}"
    tar.addfile(link)


def _is_left_out(relative: str) -> bool:
    if relative == "numpy/_core/tests/" or _NEEDED_TESTS.match(relative):
        return False
    return bool(_LEFT_OUT.search(relative))


def _is_record(relative: str) -> bool:
    return relative.endswith(".dist-info/RECORD")


def _record_of_kept(record: str) -> bytes:
    """A package's RECORD without the files left out: the hash of a script would depend on this machine."""
    lines = record.splitlines(keepends=True)
    return "".join(line for line in lines if not _is_left_out(line.partition(",")[0].strip('"'))).encode()


def _add_file(tar: tarfile.TarFile, name: str, path: Path) -> None:
    status = path.stat()
    mode = 0o755 if status.st_mode & 0o100 else 0o644
    with path.open("rb") as content:
        tar.addfile(fixed_entry(name, size=status.st_size, mode=mode), content)


def _forget_oldest(folder: Path) -> None:
    archives = sorted(folder.glob("*.tar"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in archives[_KEPT_ARCHIVES:]:
        old.unlink(missing_ok=True)
