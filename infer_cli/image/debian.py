"""Makes a root file system with Python from Debian packages, for machines that reach no image registry."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.errors import InferError
from infer_cli.reproducible_tar import FIXED_MTIME, fixed_entry

if TYPE_CHECKING:
    from pathlib import Path

# The supported Debian releases, by their Python version.
RELEASES = {"3.11": "bookworm", "3.13": "trixie"}
# bash is the shell of `infer exec`, and busybox has the commands to type there. Certificates are for models
# that open connections. Wheels expect every system to have the C++ library.
_PACKAGES = (
    "bash",
    "busybox",
    "ca-certificates",
    "dash",
    "libpython3-stdlib",
    "libstdc++6",
    "python3-minimal",
)
# Documentation, translations, tables of old character sets, and programs that nothing in a container calls.
_LEFT_OUT = (
    *(f"/usr/share/{name}/*" for name in ("doc", "man", "locale", "info", "lintian", "perl5", "gdb")),
    "/usr/lib/*/gconv/*",
    "/usr/bin/openssl",
    "/usr/bin/dpkg*",
)
# Commands of busybox that a person types into a shell; each gets a link to it.
_COMMANDS = """
    awk base64 basename cat clear cmp cp cut date df diff dirname du echo egrep env expr false find fold free
    grep groups gunzip gzip head hexdump hostname id ip kill less ln ls md5sum mkdir mktemp more mv nc netstat
    nproc nslookup pidof ping printf ps pwd readlink realpath reset rev rm rmdir sed seq sha256sum sleep sort
    stat strings stty tac tail tar tee test time timeout top touch tr true truncate tty uname uniq unzip
    uptime vi watch wc wget which whoami xargs xz yes zcat
"""
_USERS = "root:x:0:0:root:/root:/bin/bash\ninfer:x:10001:10001:infer:/tmp:/bin/bash\n"
_GROUPS = "root:x:0:\ninfer:x:10001:\n"
_FOLDERS = {"./tmp": 0o1777, "./root": 0o700, "./usr/local": 0o755, "./usr/local/bin": 0o755}
_CERTIFICATES = "./usr/share/ca-certificates/"
_SHOWN_LINES = 15


@dataclass(frozen=True)
class DebianBase:
    """A base image to make: its Python version as `X.Y`, and the engine's name of its processor."""

    python: str
    architecture: str

    @property
    def release(self) -> str:
        """The Debian release with this Python version; raises `InferError` if no release has it."""
        try:
            return RELEASES[self.python]
        except KeyError:
            message = f"no Debian release has Python {self.python}"
            raise InferError(message, hint=f"choose --python {' or '.join(RELEASES)}") from None


def make_root(base: DebianBase, archive: Path, *, mirror: str | None = None) -> None:
    """Write a root file system to `archive`, a tar file; the same packages give the same bytes.

    `mirror` is the URL of a Debian mirror. Raises `InferError` if mmdebstrap is missing or fails.
    """
    program = shutil.which("mmdebstrap")
    if program is None:
        raise InferError(
            "mmdebstrap is not installed; it makes a base image out of Debian packages",
            hint="`apt-get install mmdebstrap` (Debian, Ubuntu); on another system pull a base image: "
            f"`docker pull python:{base.python}-slim`",
        )
    command = [
        program,
        "--variant=extract",
        f"--architectures={base.architecture}",
        f"--include={','.join(_PACKAGES)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in _LEFT_OUT),
        base.release,
        str(archive),
        *([mirror] if mirror else []),
    ]
    finished = subprocess.run(
        command,
        env={**os.environ, "SOURCE_DATE_EPOCH": str(FIXED_MTIME)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if finished.returncode == 0:
        _complete(archive)
    else:
        tail = "\n".join(f"  {line}" for line in finished.stderr.splitlines()[-_SHOWN_LINES:])
        raise InferError(
            f"mmdebstrap could not make a base image of Debian {base.release}",
            detail=tail,
            hint="it needs Debian's mirror (choose one with --mirror URL), and root or user namespaces",
        )


def _complete(archive: Path) -> None:
    """Add the files that Debian packages create when dpkg configures them; mmdebstrap only unpacked them."""
    with tarfile.open(archive) as tar:
        present = {member.name for member in tar}
        certificates = sorted(name for name in present if _is_certificate(name))
        bundle = b"".join(_content(tar, name) for name in certificates)
    with tarfile.open(archive, "a") as tar:
        for folder, mode in _FOLDERS.items():
            if folder not in present:
                entry = fixed_entry(folder, size=None)
                entry.mode = mode
                tar.addfile(entry)
        for name, content in (
            ("./etc/passwd", _USERS.encode()),
            ("./etc/group", _GROUPS.encode()),
            ("./etc/ssl/certs/ca-certificates.crt", bundle),
        ):
            if name not in present:
                tar.addfile(fixed_entry(name, size=len(content)), io.BytesIO(content))
        for command in _COMMANDS.split():
            if not present & {f"./bin/{command}", f"./usr/bin/{command}"}:
                link = fixed_entry(f"./usr/local/bin/{command}", size=0)
                link.type, link.linkname, link.mode = tarfile.SYMTYPE, "/bin/busybox", 0o777
                tar.addfile(link)


def _is_certificate(name: str) -> bool:
    return name.startswith(_CERTIFICATES) and name.endswith(".crt")


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    return file.read() if file else b""
