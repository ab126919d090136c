"""Environments on this machine for `infer serve`: the packages of an image, kept for the next start."""

from __future__ import annotations

import hashlib
import platform
import shutil
import tempfile
from typing import TYPE_CHECKING

from infer_cli.cache import cache_folder
from infer_cli.packages.uv import current_python, run_uv

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def local_environment(requirements: Sequence[str]) -> Path:
    """The Python interpreter of an environment with `requirements`, made at the first call.

    Raises `LockFailed` if the packages cannot be installed.
    """
    parts = [platform.python_version(), "with bytecode", *requirements]
    key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
    folder = cache_folder() / "environments" / key
    python = folder / "bin" / "python"
    if python.exists():
        return python
    folder.parent.mkdir(parents=True, exist_ok=True)
    # An environment contains its own path, so it cannot be made elsewhere and moved here once complete. An
    # incomplete one is removed instead.
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(requirements))
        file.flush()
        try:
            run_uv(
                ["venv", "--quiet", "--clear", "--python", current_python(), str(folder)],
                doing="make an environment for the model",
            )
            run_uv(
                [
                    "pip",
                    "install",
                    "--quiet",
                    # The service can write no file, so it could not keep what it compiles.
                    "--compile-bytecode",
                    "--only-binary",
                    ":all:",
                    "--python",
                    str(python),
                    "-r",
                    file.name,
                ],
                doing="fetch the packages of the model",
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return python
