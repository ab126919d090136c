from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from infer_cli.plan.context import Context, ContextFile
from infer_cli.reproducible_tar import FIXED_MTIME

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = bytes(range(256)) * 100


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    file = tmp_path / "source" / "model.pkl"
    file.parent.mkdir()
    file.write_bytes(MODEL)
    return file


@pytest.fixture
def context(model_file: Path) -> Context:
    return Context(
        files=(
            ContextFile(PurePosixPath("model/opt/infer/model/model.pkl"), model_file),
            ContextFile(PurePosixPath("Dockerfile"), "FROM größe\n"),
            ContextFile(PurePosixPath("service/a"), "a"),
            ContextFile(PurePosixPath("service.txt"), "b"),
        ),
        folders=(PurePosixPath("model/opt/infer/empty"), PurePosixPath("other")),
    )


@pytest.fixture(params=[0o022, 0o077, 0o002], ids=["usual umask", "strict umask", "loose umask"])
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def tar_bytes(context: Context) -> bytes:
    target = io.BytesIO()
    context.write_tar(target)
    return target.getvalue()


def test_the_archive_holds_folders_before_files_and_both_sorted(context: Context) -> None:
    with tarfile.open(fileobj=io.BytesIO(tar_bytes(context))) as tar:
        names = [member.name for member in tar]

    assert names == [
        "model",
        "model/opt",
        "model/opt/infer",
        "model/opt/infer/empty",
        "model/opt/infer/model",
        "other",
        "service",
        "Dockerfile",
        "model/opt/infer/model/model.pkl",
        "service/a",
        "service.txt",
    ]


def test_the_archive_holds_the_texts_and_the_copied_files(context: Context) -> None:
    with tarfile.open(fileobj=io.BytesIO(tar_bytes(context))) as tar:
        text, model = tar.extractfile("Dockerfile"), tar.extractfile("model/opt/infer/model/model.pkl")

        assert text is not None
        assert text.read() == "FROM größe\n".encode()
        assert model is not None
        assert model.read() == MODEL


def test_every_entry_has_the_same_owner_time_and_mode(context: Context, model_file: Path) -> None:
    model_file.chmod(0o700)

    with tarfile.open(fileobj=io.BytesIO(tar_bytes(context))) as tar:
        members = tar.getmembers()

    assert {(entry.uid, entry.gid, entry.uname, entry.gname) for entry in members} == {(0, 0, "", "")}
    assert {entry.mtime for entry in members} == {FIXED_MTIME}
    assert {(entry.isdir(), entry.mode) for entry in members} == {(True, 0o755), (False, 0o644)}


def test_the_same_context_gives_the_same_bytes(context: Context) -> None:
    assert tar_bytes(context) == tar_bytes(context)


def test_the_order_of_files_in_the_plan_does_not_matter(context: Context) -> None:
    reversed_context = Context(files=context.files[::-1], folders=context.folders[::-1])

    assert tar_bytes(reversed_context) == tar_bytes(context)


def test_times_and_modes_of_the_sources_do_not_matter(context: Context, model_file: Path) -> None:
    before = tar_bytes(context)

    os.utime(model_file, (1, 1))
    model_file.chmod(0o600)

    assert tar_bytes(context) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_owners_of_the_sources_do_not_matter(context: Context, model_file: Path) -> None:
    before = tar_bytes(context)

    os.chown(model_file, 1234, 5678)

    assert tar_bytes(context) == before


def test_the_size_is_the_sum_of_the_files(context: Context) -> None:
    assert context.size_bytes == len(MODEL) + len("FROM größe\n".encode()) + 2


@pytest.mark.usefixtures("_umask")
def test_the_folder_has_fixed_times_and_modes(context: Context, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "ejected"

    context.write_folder(folder)

    found = {path.relative_to(folder).as_posix(): path.stat() for path in folder.rglob("*")}
    assert {status.st_mtime for status in found.values()} == {FIXED_MTIME}
    modes = {(stat.S_ISDIR(status.st_mode), stat.S_IMODE(status.st_mode)) for status in found.values()}
    assert modes == {(True, 0o755), (False, 0o644)}


def test_the_folder_and_the_archive_hold_the_same_files(context: Context, tmp_path: Path) -> None:
    context.write_folder(tmp_path / "ejected")

    with tarfile.open(fileobj=io.BytesIO(tar_bytes(context))) as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    assert contents(tmp_path / "ejected") == contents(tmp_path / "unpacked")


def test_a_missing_target_folder_is_created(tmp_path: Path) -> None:
    Context(files=(ContextFile(PurePosixPath("Dockerfile"), "FROM scratch\n"),)).write_folder(
        tmp_path / "new"
    )

    assert (tmp_path / "new" / "Dockerfile").read_text() == "FROM scratch\n"


def test_a_long_name_outside_ascii_stays_unchanged() -> None:
    name = f"{'ä' * 60}/{'b' * 120}"
    context = Context(files=(ContextFile(PurePosixPath(name), "x"),))

    with tarfile.open(fileobj=io.BytesIO(tar_bytes(context))) as tar:
        assert tar.getnames() == [name.partition("/")[0], name]


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }
