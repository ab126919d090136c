"""Compiles the service's few lines of C, for the processors that images are made for.

With Zig, which is a package like any other and compiles for Linux on each system: so a wheel holds the
libraries for all processors, wherever it is built.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NATIVE = Path(__file__).resolve().parent / "service" / "native"
PROCESSORS = ("x86_64", "aarch64")
# No C library is linked: what is used of it (strtod) is found in the process, be it glibc's or musl's.
# Products and sums stay apart, as they are in the models: one rounding less would be another result.
OPTIONS = (
    *("-std=c11", "-O3", "-ffp-contract=off", "-fPIC", "-fvisibility=hidden"),
    *("-shared", "-nostdlib", "-Wl,-z,now", "-Wl,-s", "-Wl,--build-id=none"),
    *("-Wall", "-Wextra", "-Werror"),
)


class CompileNative(BuildHookInterface):
    """Leaves `service/native/PROCESSOR.so` beside the sources."""

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        """Compile before a wheel, or an editable installation, is made."""
        del version, build_data
        if self.target_name == "wheel":
            for processor in PROCESSORS:
                compile_for(processor, NATIVE / f"{processor}.so")


def compile_for(processor: str, library: Path) -> None:
    """Compile the sources into `library`."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / library.name
        sources = sorted(path.name for path in NATIVE.glob("*.c"))
        target = f"{processor}-linux-gnu"
        command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *OPTIONS, "-o", made, *sources]
        subprocess.run(command, cwd=NATIVE, check=True)
        # A process that has the old library loaded keeps it: writing over the file would crash the process.
        new = library.with_suffix(".new")
        new.write_bytes(made.read_bytes())
        new.replace(library)


if __name__ == "__main__":
    for name in PROCESSORS:
        compile_for(name, NATIVE / f"{name}.so")
