from __future__ import annotations

import io
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from infer_cli.errors import InferError
from infer_cli.image.debian import RELEASES, DebianBase, make_root
from infer_cli.reproducible_tar import FIXED_MTIME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BASE = DebianBase(python="3.11", architecture="amd64")
# Writes its arguments to files and copies the prepared archive, or fails if there is none.
PROGRAM = """\
#!/bin/sh
for word in "$@"; do echo "$word"; done > "{folder}/called"
echo "$SOURCE_DATE_EPOCH" > "{folder}/time"
if [ ! -e "{folder}/prepared.tar" ]; then
  for line in $(seq 30); do echo "E: line $line" >&2; done
  exit 25
fi
for word in "$@"; do case "$word" in *root.tar) cp "{folder}/prepared.tar" "$word";; esac; done
"""
CERTIFICATES = "./usr/share/ca-certificates/mozilla/"


@pytest.fixture
def mmdebstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fake mmdebstrap, as the real one needs minutes and a Debian mirror.

    Returns the folder that the fake reads and writes.
    """
    program = tmp_path / "bin" / "mmdebstrap"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


@pytest.fixture
def prepare(mmdebstrap: Path) -> Callable[..., Path]:
    """Prepare the archive that the fake copies; returns the path for the root file system."""

    def write(**files: str) -> Path:
        with tarfile.open(mmdebstrap / "prepared.tar", "w") as tar:
            for name, text in {"./etc/hostname": "x", **files}.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(text)
                tar.addfile(entry, io.BytesIO(text.encode()))
        return mmdebstrap / "root.tar"

    return write


@pytest.mark.parametrize(("python", "release"), [("3.11", "bookworm"), ("3.13", "trixie")])
def test_each_python_has_its_debian_release(python: str, release: str) -> None:
    assert DebianBase(python=python, architecture="amd64").release == release


def test_a_python_without_a_debian_release_is_an_error() -> None:
    with pytest.raises(InferError, match=r"^no Debian release has Python 3\.12$") as raised:
        _ = DebianBase(python="3.12", architecture="amd64").release

    assert raised.value.hint == f"choose --python {' or '.join(RELEASES)}"


def test_without_mmdebstrap_the_hint_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(InferError, match=r"^mmdebstrap is not installed; ") as raised:
        make_root(BASE, tmp_path / "root.tar")

    assert "apt-get install mmdebstrap" in str(raised.value.hint)
    assert "docker pull python:3.11-slim" in str(raised.value.hint)


def test_a_failure_shows_the_last_lines_of_mmdebstrap(mmdebstrap: Path) -> None:
    with pytest.raises(
        InferError, match=r"^mmdebstrap could not make a base image of Debian bookworm$"
    ) as raised:
        make_root(BASE, mmdebstrap / "root.tar")

    lines = str(raised.value.detail).splitlines()
    assert lines == [f"  E: line {number}" for number in range(16, 31)]


def test_mmdebstrap_gets_the_release_and_the_processor(
    mmdebstrap: Path, prepare: Callable[..., Path]
) -> None:
    archive = prepare()

    make_root(DebianBase(python="3.13", architecture="arm64"), archive)

    called = (mmdebstrap / "called").read_text().splitlines()
    assert "--architectures=arm64" in called
    assert called[-2:] == ["trixie", str(archive)]


def test_the_mirror_is_the_last_argument(mmdebstrap: Path, prepare: Callable[..., Path]) -> None:
    make_root(BASE, prepare(), mirror="http://mirror.test/debian")

    assert (mmdebstrap / "called").read_text().splitlines()[-1] == "http://mirror.test/debian"


def test_mmdebstrap_gets_a_fixed_time_for_every_file(mmdebstrap: Path, prepare: Callable[..., Path]) -> None:
    make_root(BASE, prepare())

    assert (mmdebstrap / "time").read_text() == f"{FIXED_MTIME}\n"


def test_the_files_that_dpkg_would_create_are_added(prepare: Callable[..., Path]) -> None:
    archive = prepare(
        **{
            f"{CERTIFICATES}B.crt": "two\n",
            f"{CERTIFICATES}A.crt": "one\n",
            f"{CERTIFICATES}readme": "not one\n",
        }
    )

    make_root(BASE, archive)

    with tarfile.open(archive) as tar:
        found = {member.name: member for member in tar}
        bundle = tar.extractfile("./etc/ssl/certs/ca-certificates.crt")
        users = tar.extractfile("./etc/passwd")
        assert bundle is not None
        assert users is not None
        assert bundle.read() == b"one\ntwo\n"
        assert b"infer:x:10001:10001:" in users.read()
    assert found["./tmp"].mode == 0o1777
    assert found["./root"].mode == 0o700
    assert found["./usr/local/bin/ls"].linkname == "/bin/busybox"


def test_the_files_of_packages_are_kept(prepare: Callable[..., Path]) -> None:
    archive = prepare(
        **{"./bin/ls": "ls", "./usr/bin/awk": "awk", "./etc/passwd": "root:x:0:0\n", "./tmp": ""}
    )

    make_root(BASE, archive)

    with tarfile.open(archive) as tar:
        names = tar.getnames()
    assert "./usr/local/bin/ls" not in names
    assert "./usr/local/bin/awk" not in names
    assert names.count("./etc/passwd") == 1
    assert names.count("./tmp") == 1


def test_the_same_packages_give_the_same_bytes(prepare: Callable[..., Path]) -> None:
    archive = prepare(**{f"{CERTIFICATES}A.crt": "one\n"})

    make_root(BASE, archive)
    first = archive.read_bytes()
    make_root(BASE, archive)

    assert archive.read_bytes() == first
