"""Runs the fuzzer of the decoders with C code that GCC's sanitizers watch: addresses and undefined behaviour.

`python -m tests.service.native.sanitized --minutes 10` takes the options of `python -m tests.service.fuzz`. A
read or a write outside of an array, and what the C standard leaves undefined, end the process with a report,
which is a failure of the request.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[3]
COMPILER = "gcc"
# As the library is built (hatch_build.py), but for the processor of this machine, and with the C library.
OPTIONS = (
    *("-std=c11", "-O1", "-g", "-fno-omit-frame-pointer", "-ffp-contract=off", "-fPIC", "-shared"),
    *("-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all"),
)
# The runtimes must be there before Python is: they replace its allocator.
RUNTIMES = ("libasan.so", "libubsan.so")


def runtimes() -> list[str] | None:
    """Give the paths of the sanitizers' runtimes; None if this machine has no compiler with them."""
    if sys.platform != "linux" or shutil.which(COMPILER) is None:
        return None
    found = []
    for name in RUNTIMES:
        told = subprocess.run(
            [COMPILER, f"-print-file-name={name}"], capture_output=True, text=True, check=False
        )
        # GCC repeats the name of a file that it does not have.
        found.append(told.stdout.strip())
    return found if all(Path(path).is_absolute() for path in found) else None


def build(folder: Path) -> None:
    """Put the service into a folder, with its C code built for the sanitizers; the tests are linked there."""
    shutil.copytree(
        ROOT / "service", folder / "service", ignore=shutil.ignore_patterns("*.so", "__pycache__")
    )
    (folder / "tests").symlink_to(ROOT / "tests")
    native = folder / "service" / "native"
    library = f"{platform.machine()}.so"
    sources = sorted(path.name for path in native.glob("*.c"))
    subprocess.run([COMPILER, *OPTIONS, "-o", library, *sources], cwd=native, check=True)


def environment(libraries: list[str]) -> dict[str, str]:
    """Give the environment of a Python process whose arrays and texts the sanitizers watch."""
    return {
        **os.environ,
        "LD_PRELOAD": " ".join(libraries),
        # Python frees little of what it has when it ends.
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        # Python's own allocator takes memory in large pieces, between which no error would be seen.
        "PYTHONMALLOC": "malloc",
    }


def main(arguments: list[str]) -> int:
    """Build, run the fuzzer, and give its exit code."""
    libraries = runtimes()
    if libraries is None:
        sys.exit(f"{COMPILER} with {' and '.join(RUNTIMES)} is needed: apt-get install gcc")
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        command = (sys.executable, "-m", "tests.service.fuzz", *arguments)
        return subprocess.run(command, cwd=folder, env=environment(libraries), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
