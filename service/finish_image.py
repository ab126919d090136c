"""Finishes an image while it is built: compiles to bytecode, removes what only installs packages.

Run by the Dockerfile, as `finish_image.py packages` and `finish_image.py service code`.
The same files give the same bytes: one process compiles in sorted order, bytecode is checked by hash and
not by time, and every time that changed is set back to a fixed one.
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

# 1980-01-01, as in every other file of the image.
FIXED_MTIME = 315_532_800
HOME = Path("/opt/infer")
# Parts of the standard library that a service never imports.
_UNUSED = re.compile(
    r"/(?:test|tests|idlelib|lib2to3|pydoc_data|ensurepip|tkinter|turtledemo|distutils|"
    r"site-packages|dist-packages|config-[^/]*)/"
)
_INSTALLERS = ("pip", "setuptools", "wheel", "_distutils_hack", "pkg_resources")


def compile_tree(root: Path, *, skip: re.Pattern[str] | None = None) -> None:
    """Compile every module below `root` and fix the times of what that changed."""
    compileall.compile_dir(
        str(root),
        maxlevels=50,
        quiet=2,
        rx=skip,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    for cache in sorted(root.rglob("__pycache__")):
        for path in (*cache.iterdir(), cache, cache.parent):
            os.utime(path, (FIXED_MTIME, FIXED_MTIME))


def remove_installers(folders: list[Path]) -> None:
    """Remove pip and its like from `folders`; a base image may have brought them."""
    for folder in folders:
        for name in _INSTALLERS:
            for path in (folder / name, *folder.glob(f"{name}-*-info")):
                shutil.rmtree(path, ignore_errors=True)


def finish_packages() -> None:
    """Finish Python itself and the packages."""
    paths = sysconfig.get_paths()
    standard_library = Path(paths["stdlib"])
    remove_installers([Path(paths["purelib"]), standard_library / "dist-packages"])
    shutil.rmtree(standard_library / "ensurepip", ignore_errors=True)
    compile_tree(standard_library, skip=_UNUSED)
    compile_tree(HOME / "packages")


def main(parts: list[str]) -> None:
    """Finish the given parts of the image, which are folders of its home."""
    for part in parts:
        if part == "packages":
            finish_packages()
        else:
            compile_tree(HOME / part)


if __name__ == "__main__":
    main(sys.argv[1:])
