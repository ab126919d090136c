"""Finishes an image while it is built: compiles modules to bytecode, and removes package installers.

The Dockerfile runs it as `finish_image.py packages` and `finish_image.py service code`.

The same files give the same bytes: each of a fixed number of processes compiles its files in sorted order,
bytecode is bound to its source by hash and not by modification time, and each modification time that
compiling changed is set to a fixed time.
"""

from __future__ import annotations

import compileall
import os
import re
import shutil
import sys
import sysconfig
from pathlib import Path
from py_compile import PycInvalidationMode

# 1980-01-01, the modification time of every other file of the image.
FIXED_MTIME = 315_532_800
HOME = Path("/opt/infer")
# Folders of the standard library that a service never imports from; they are not compiled.
_UNUSED = re.compile(
    r"/(?:test|tests|idlelib|lib2to3|pydoc_data|ensurepip|tkinter|turtledemo|distutils|"
    r"site-packages|dist-packages|config-[^/]*)/"
)
# Whatever the number of processors: which files a process compiles may change bytes of the later ones.
_PROCESSES = 4
_INSTALLERS = ("pip", "setuptools", "wheel", "_distutils_hack", "pkg_resources")


def compile_tree(root: Path, *, skip: re.Pattern[str] | None = None) -> None:
    """Compile every module below `root`; give what that changed the fixed modification time.

    Modules whose path matches `skip` are not compiled.
    """
    files = sorted(path for path in map(str, root.rglob("*.py")) if not (skip and skip.search(path)))
    children = [_start_compiling(files[first::_PROCESSES]) for first in range(_PROCESSES)]
    # All of them are waited for, also after one that failed.
    statuses = [os.waitpid(child, 0)[1] for child in children]
    if any(statuses):
        message = f"compiling {root} failed"
        raise SystemExit(message)
    for cache in sorted(root.rglob("__pycache__")):
        for path in (*cache.iterdir(), cache, cache.parent):
            os.utime(path, (FIXED_MTIME, FIXED_MTIME))


def _start_compiling(files: list[str]) -> int:
    """Compile files in a process of their own, and give its id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        for path in files:
            # A file that does not compile is left alone: packages have code for other versions of Python.
            compileall.compile_file(path, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH)
        status = 0
    finally:
        os._exit(status)


def remove_installers(folders: list[Path]) -> None:
    """Remove pip and other installers, which the base image may have, from `folders`."""
    for folder in folders:
        for name in _INSTALLERS:
            for path in (folder / name, *folder.glob(f"{name}-*-info")):
                shutil.rmtree(path, ignore_errors=True)


def finish_packages() -> None:
    """Finish the standard library and the installed packages."""
    paths = sysconfig.get_paths()
    standard_library = Path(paths["stdlib"])
    remove_installers([Path(paths["purelib"]), standard_library / "dist-packages"])
    shutil.rmtree(standard_library / "ensurepip", ignore_errors=True)
    compile_tree(standard_library, skip=_UNUSED)
    compile_tree(HOME / "packages")


def main(parts: list[str]) -> None:
    """Finish the given parts of the image, each a folder of `/opt/infer`."""
    for part in parts:
        if part == "packages":
            finish_packages()
        else:
            compile_tree(HOME / part)


if __name__ == "__main__":
    main(sys.argv[1:])
