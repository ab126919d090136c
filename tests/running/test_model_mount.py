from __future__ import annotations

import hashlib
import os
import platform
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
import sklearn

from infer_cli.engine.services import Service
from infer_cli.errors import ModelNotFound, ModelUnreadable, UsageError
from infer_cli.plan.run import ModelMount
from infer_cli.running.model_mount import model_on_disk, mount_model, user_for

if TYPE_CHECKING:
    from pathlib import Path

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
on_linux = pytest.mark.skipif(platform.system() != "Linux", reason="elsewhere owners are not kept")


@pytest.fixture
def folder(iris_folder: Path, tmp_path: Path) -> Path:
    """A model folder of our own, which anyone may read."""
    folder = tmp_path / "data"
    shutil.copytree(iris_folder, folder)
    folder.chmod(0o755)
    (folder / "model.pkl").chmod(0o644)
    return folder


@pytest.fixture
def mount(folder: Path) -> ModelMount:
    return ModelMount(folder=folder, file="model.pkl", digest="0")


def test_without_a_folder_nothing_is_mounted() -> None:
    assert mount_model(None, None, writable=False) is None


def test_a_file_needs_its_folder() -> None:
    with pytest.raises(UsageError, match=r"^--model-file needs --model-dir$"):
        mount_model(None, "model.pkl", writable=False)


@pytest.mark.parametrize("writable", [False, True])
def test_the_folder_is_mounted_with_the_digest_of_its_model(*, folder: Path, writable: bool) -> None:
    digest = hashlib.sha256((folder / "model.pkl").read_bytes()).hexdigest()

    found = mount_model(folder, None, writable=writable)

    assert found == ModelMount(
        folder=folder.resolve(),
        file="model.pkl",
        digest=digest,
        writable=writable,
    )
    assert found is not None
    assert found.inspection is not None
    assert found.inspection.sklearn_version == sklearn.__version__


def test_a_relative_folder_becomes_absolute(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)

    found = mount_model(folder.relative_to(folder), None, writable=False)

    assert found is not None
    assert found.folder == folder.resolve()


def test_a_link_to_the_folder_is_followed(folder: Path) -> None:
    link = folder.with_name("link")
    link.symlink_to(folder)

    found = mount_model(link, None, writable=False)

    assert found is not None
    assert found.folder == folder.resolve()


def test_a_model_in_a_folder_inside_keeps_its_path(folder: Path) -> None:
    (folder / "old").mkdir()
    shutil.copy(folder / "model.pkl", folder / "old" / "first.pkl")

    found = mount_model(folder, "old/first.pkl", writable=False)

    assert found is not None
    assert found.file == "old/first.pkl"


def test_a_link_within_the_folder_is_followed(folder: Path) -> None:
    (folder / "v1").mkdir()
    shutil.move(folder / "model.pkl", folder / "v1" / "model.pkl")
    (folder / "current.pkl").symlink_to("v1/model.pkl")

    found = mount_model(folder, None, writable=False)

    assert found is not None
    assert found.file == "v1/model.pkl"


def test_a_link_out_of_the_folder_is_refused(folder: Path) -> None:
    """The container would not see what it points to."""
    shutil.move(folder / "model.pkl", folder.with_name("model.pkl"))
    (folder / "model.pkl").symlink_to(folder.with_name("model.pkl"))

    with pytest.raises(ModelNotFound, match=r"model.pkl is a link to ") as raised:
        mount_model(folder, None, writable=False)

    assert f"--model-dir {folder.parent} --model-file model.pkl; " in str(raised.value.hint)


def test_a_link_out_of_the_folder_may_be_baked(folder: Path) -> None:
    """It is copied, under the name that it has in the folder."""
    shutil.move(folder / "model.pkl", folder.with_name("trained.pkl"))
    (folder / "model.pkl").symlink_to(folder.with_name("trained.pkl"))

    found = mount_model(folder, None, writable=False, is_baked=True)

    assert found is not None
    assert (found.folder, found.file) == (folder.parent.resolve(), "trained.pkl")
    assert found.inspection is not None
    assert found.inspection.path == folder / "model.pkl"


def test_a_file_that_is_no_model_is_known_before_anything_starts(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(b"")

    with pytest.raises(ModelUnreadable):
        mount_model(folder, None, writable=False)


@on_linux
def test_any_user_will_do_for_a_model_that_anyone_reads(mount: ModelMount) -> None:
    assert user_for(mount, engine_is_local=True) is None


def test_without_a_model_any_user_will_do() -> None:
    assert user_for(None, engine_is_local=True) is None


@as_root
@on_linux
@pytest.mark.parametrize(
    ("folder_mode", "file_mode"),
    [
        pytest.param(0o755, 0o600, id="private file"),
        pytest.param(0o700, 0o644, id="private folder"),
        pytest.param(0o750, 0o640, id="for a group"),
    ],
)
def test_a_private_model_is_read_as_its_owner(mount: ModelMount, folder_mode: int, file_mode: int) -> None:
    for path, mode in ((mount.folder, folder_mode), (mount.folder / mount.file, file_mode)):
        path.chmod(mode)
        os.chown(path, 1234, 5678)

    assert user_for(mount, engine_is_local=True) == "1234:5678"


@as_root
@on_linux
def test_a_private_folder_within_counts_too(folder: Path) -> None:
    (folder / "sub").mkdir(mode=0o700)
    shutil.move(folder / "model.pkl", folder / "sub" / "model.pkl")
    for path in (folder / "sub", folder / "sub" / "model.pkl"):
        os.chown(path, 1234, 5678)

    found = user_for(ModelMount(folder=folder, file="sub/model.pkl", digest="0"), engine_is_local=True)

    assert found == "1234:5678"


@as_root
@on_linux
def test_a_model_that_only_root_reads_is_refused(mount: ModelMount) -> None:
    file = mount.folder / mount.file
    file.chmod(0o600)

    with pytest.raises(ModelUnreadable, match=r"^only root can read ") as raised:
        user_for(mount, engine_is_local=True)

    assert raised.value.hint == f"let others read it: chmod o+rx {mount.folder} && chmod o+r {file}"


@pytest.mark.parametrize(
    ("is_local", "system"),
    [pytest.param(False, "Linux", id="engine elsewhere"), pytest.param(True, "Darwin", id="macOS")],
)
def test_owners_do_not_matter_where_they_are_not_kept(
    *, mount: ModelMount, monkeypatch: pytest.MonkeyPatch, is_local: bool, system: str
) -> None:
    (mount.folder / mount.file).chmod(0o600)
    monkeypatch.setattr(platform, "system", lambda: system)

    assert user_for(mount, engine_is_local=is_local) is None


def service_of(folder: Path | None, *, digest: str, started: datetime | None) -> Service:
    return Service(
        name="iris",
        container_id="0",
        image="iris:v1",
        state="running",
        health=None,
        exit_code=0,
        restart_count=0,
        started_at=started,
        host_ip=None,
        host_port=None,
        model="model.pkl",
        model_folder=str(folder) if folder else None,
        model_digest=digest,
    )


EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
LONG_AGO, SOME_DAY = datetime(2000, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("digest", "started", "expected"),
    [
        pytest.param(EMPTY, LONG_AGO, "same", id="written again as it was"),
        pytest.param("sha256:0", LONG_AGO, "changed", id="another"),
        pytest.param("sha256:0", SOME_DAY, "same", id="not written since the start"),
        pytest.param(EMPTY, None, None, id="never started"),
    ],
)
def test_a_model_is_compared_with_the_one_that_is_served(
    tmp_path: Path, digest: str, started: datetime | None, expected: str | None
) -> None:
    (tmp_path / "model.pkl").touch()

    service = service_of(tmp_path, digest=digest, started=started)

    assert model_on_disk(service, engine_is_local=True, served_digest=lambda: "") == expected


def test_an_older_file_that_was_moved_here_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "older").touch()
    os.utime(tmp_path / "older", (0, 0))
    (tmp_path / "older").rename(tmp_path / "model.pkl")
    started = datetime(2000, 1, 1, tzinfo=UTC)

    service = service_of(tmp_path, digest="sha256:0", started=started)

    assert model_on_disk(service, engine_is_local=True, served_digest=lambda: "") == "changed"


def test_a_model_that_is_gone_is_missing(tmp_path: Path) -> None:
    service = service_of(tmp_path / "gone", digest=EMPTY, started=LONG_AGO)

    assert model_on_disk(service, engine_is_local=True, served_digest=lambda: "") == "missing"
    assert model_on_disk(service, engine_is_local=False, served_digest=lambda: "") is None


def test_a_model_inside_the_image_does_not_change() -> None:
    service = service_of(None, digest=EMPTY, started=LONG_AGO)

    assert model_on_disk(service, engine_is_local=True, served_digest=lambda: "") is None
