"""Compiles the C code of the service for every processor that images support.

The compiler is Zig: pip can install it, and on every system it compiles for Linux on every processor. So
each wheel holds the libraries for all processors, wherever the wheel is built.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NATIVE = Path(__file__).resolve().parent / "service" / "native"
PROCESSORS = ("x86_64", "aarch64")
# The libraries link no C library: they find strtod and exp in the process, in glibc or in musl.
# -ffp-contract=off keeps multiplication and addition apart, as the models compute them. A fused multiply-add
# rounds once instead of twice, and so could give another result.
OPTIONS = (
    *("-std=c11", "-O3", "-ffp-contract=off", "-fPIC", "-fvisibility=hidden"),
    *("-shared", "-nostdlib", "-Wl,-z,now", "-Wl,-s", "-Wl,--build-id=none"),
    *("-Wall", "-Wextra", "-Werror"),
)


class CompileNative(BuildHookInterface):
    """A build hook that writes `service/native/PROCESSOR.so` beside the C sources."""

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        """Compile before a wheel or an editable installation is made."""
        del version, build_data
        if self.target_name == "wheel":
            for processor in PROCESSORS:
                compile_for(processor, NATIVE / f"{processor}.so")


def compile_for(processor: str, library: Path) -> None:
    """Compile the C sources into `library` for a processor, as `uname -m` names it."""
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
