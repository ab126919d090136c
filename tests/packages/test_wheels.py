from __future__ import annotations

import os
import sys
import tarfile
from pathlib import Path

import pytest

from infer_cli.cache import cache_folder
from infer_cli.errors import LockFailed
from infer_cli.image.base import BaseImage
from infer_cli.packages import wheels
from infer_cli.packages.lock import Lock, resolve_lock
from infer_cli.packages.wheels import packages_archive
from infer_cli.reproducible_tar import FIXED_MTIME

BASE = BaseImage("python:3.11-slim", "3.11", "amd64")


@pytest.fixture(scope="module")
def lock() -> Lock:
    """A lock of one pure Python package, whose wheel installs a program."""
    return resolve_lock(("tabulate==0.9.0",), BASE)


@pytest.fixture(scope="module")
def archive(lock: Lock, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packages_archive(lock, BASE, cache=tmp_path_factory.mktemp("cache"))


def names(archive: Path) -> list[str]:
    with tarfile.open(archive) as tar:
        return tar.getnames()


def text(archive: Path, name: str) -> str:
    with tarfile.open(archive) as tar:
        file = tar.extractfile(name)
        assert file is not None
        return file.read().decode()


def test_the_packages_have_the_paths_of_the_image(archive: Path) -> None:
    found = names(archive)

    assert found[:3] == ["opt", "opt/infer", "opt/infer/packages"]
    assert "opt/infer/packages/tabulate/__init__.py" in found
    assert "opt/infer/packages/tabulate-0.9.0.dist-info/METADATA" in found
    assert all(name.startswith("opt/infer/packages/") for name in found[3:])


def test_every_entry_has_a_fixed_owner_time_and_mode_and_its_sorted_place(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        members = tar.getmembers()

    assert {(entry.uid, entry.gid, entry.uname, entry.gname) for entry in members} == {(0, 0, "", "")}
    assert {entry.mtime for entry in members} == {FIXED_MTIME}
    assert {entry.mode for entry in members if entry.isfile()} == {0o644}
    paths = [Path(entry.name) for entry in members]
    assert paths == sorted(paths)


def test_programs_whose_first_line_names_this_machine_are_left_out(archive: Path) -> None:
    record = text(archive, "opt/infer/packages/tabulate-0.9.0.dist-info/RECORD")

    assert not any("/bin" in name for name in names(archive))
    assert "bin/" not in record
    assert "tabulate/__init__.py,sha256=" in record


def test_the_same_lock_gives_the_same_bytes_on_another_machine(
    lock: Lock, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other machine has its Python in another folder and an empty cache."""
    python = tmp_path / "elsewhere" / "bin" / "python3"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    monkeypatch.setattr(wheels, "current_python", lambda: str(python))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))

    again = packages_archive(lock, BASE, cache=tmp_path / "cache")

    assert again.name == archive.name
    assert again.read_bytes() == archive.read_bytes()


def test_a_cached_archive_is_used_again(lock: Lock, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "run_uv", None)
    os.utime(archive, (1, 1))

    again = packages_archive(lock, BASE, cache=archive.parents[1])

    assert again == archive
    assert again.stat().st_mtime > 1


def test_the_cache_holds_the_archive_and_no_temporary_file(archive: Path) -> None:
    assert list(archive.parent.iterdir()) == [archive]


@pytest.mark.parametrize(
    "base",
    [
        pytest.param(BaseImage("x", "3.12", "amd64"), id="another Python"),
        pytest.param(BaseImage("x", "3.11", "arm64"), id="another processor"),
        pytest.param(BaseImage("x", "3.11", "amd64", glibc=(2, 17)), id="another C library"),
    ],
)
def test_another_python_processor_or_libc_needs_another_archive(
    lock: Lock, archive: Path, tmp_path: Path, base: BaseImage
) -> None:
    assert packages_archive(lock, base, cache=tmp_path).name != archive.name


def test_the_name_of_the_base_image_does_not_matter(lock: Lock, archive: Path) -> None:
    other = BaseImage("infer-base:3.11", "3.11", "amd64", image_id="sha256:0")

    assert packages_archive(lock, other, cache=archive.parents[1]) == archive


def test_a_package_whose_hash_is_wrong_is_refused(tmp_path: Path) -> None:
    lock = Lock(f"tabulate==0.9.0 --hash=sha256:{64 * '0'}\n")

    with pytest.raises(LockFailed, match=r"^cannot fetch the packages of the lock$") as raised:
        packages_archive(lock, BASE, cache=tmp_path)

    assert "Hash mismatch" in str(raised.value.detail)
    assert list((tmp_path / "packages").iterdir()) == []


def test_a_package_without_hash_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LockFailed):
        packages_archive(Lock("tabulate==0.9.0\n"), BASE, cache=tmp_path)


def test_only_the_newest_archives_are_kept(lock: Lock, tmp_path: Path) -> None:
    folder = tmp_path / "packages"
    folder.mkdir()
    for age in range(1, 10):
        file = folder / f"old-{age}.tar"
        file.touch()
        os.utime(file, (1000 - age, 1000 - age))

    archive = packages_archive(lock, BASE, cache=tmp_path)

    assert {file.name for file in folder.iterdir()} == {
        archive.name,
        *(f"old-{age}.tar" for age in range(1, 8)),
    }


def test_the_openmp_library_is_linked_to_its_usual_name(tmp_path: Path) -> None:
    library = tmp_path / "site" / "scikit_learn.libs" / "libgomp-a34b3233.so.1.0.0"
    library.parent.mkdir(parents=True)
    library.write_bytes(b"\x7fELF")

    wheels._pack(tmp_path / "site", tmp_path / "packages.tar")

    with tarfile.open(tmp_path / "packages.tar") as tar:
        link = tar.getmember("opt/infer/lib/libgomp.so.1")
        assert link.linkname == f"/opt/infer/packages/scikit_learn.libs/{library.name}"
        assert tar.getmember(link.linkname.removeprefix("/")).isfile()


def test_without_an_openmp_library_there_is_no_link(archive: Path) -> None:
    assert not any(name.startswith("opt/infer/lib") for name in names(archive))


@pytest.mark.parametrize(
    ("path", "is_left_out"),
    [
        pytest.param("numpy/random/tests/", True, id="tests folder"),
        pytest.param("joblib/test/data.txt", True, id="data file of a test"),
        pytest.param("sklearn/tests/__init__.py", True, id="module in a tests folder"),
        pytest.param("numpy/__init__.pyi", True, id="stub"),
        pytest.param("bin/f2py", True, id="program"),
        pytest.param(".lock", True, id="lock file of uv"),
        pytest.param("numpy/_core/tests/", False, id="tests that SciPy imports"),
        pytest.param("numpy/_core/tests/_natype.py", False, id="module that SciPy imports"),
        pytest.param("numpy/_core/tests/test_api.py", True, id="other test in the same folder"),
        pytest.param("numpy/testing/__init__.py", False, id="helpers for tests"),
        pytest.param("sklearn/utils/_testing.py", False, id="module about tests"),
        pytest.param("latest/__init__.py", False, id="name that ends in test"),
        pytest.param("robin/core.py", False, id="name that ends in bin"),
        pytest.param("flask/py.typed", False, id="py.typed marker"),
        pytest.param("flask_swagger_ui/__init__.py", False, id="where the viewer is found"),
        pytest.param("flask_swagger_ui/dist/", False, id="folder of the viewer"),
        pytest.param("flask_swagger_ui/dist/swagger-ui-bundle.js", False, id="script of the viewer"),
        pytest.param("flask_swagger_ui/dist/swagger-ui.css", False, id="style of the viewer"),
        pytest.param("flask_swagger_ui/dist/LICENSE", False, id="license of the viewer"),
        pytest.param("flask_swagger_ui/dist/swagger-ui.js", True, id="other script of the viewer"),
        pytest.param("flask_swagger_ui/templates/index.template.html", True, id="other page of the viewer"),
    ],
)
def test_files_that_no_prediction_needs_are_left_out(*, path: str, is_left_out: bool) -> None:
    assert wheels._is_left_out(path) is is_left_out


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        pytest.param("linux", {"INFER_CACHE_DIR": "/chosen"}, "/chosen", id="chosen"),
        pytest.param("darwin", {"INFER_CACHE_DIR": "/chosen"}, "/chosen", id="chosen on macOS"),
        pytest.param("linux", {"XDG_CACHE_HOME": "/xdg"}, "/xdg/infer", id="XDG"),
        pytest.param("linux", {"XDG_CACHE_HOME": ""}, "/home/ada/.cache/infer", id="Linux"),
        pytest.param("darwin", {}, "/home/ada/Library/Caches/infer", id="macOS"),
    ],
)
def test_the_cache_folder_is_the_one_of_the_operating_system(
    monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], expected: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", "/home/ada")
    for name in ("INFER_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert cache_folder() == Path(expected)


def test_bytecode_from_a_wheel_is_removed(tmp_path: Path) -> None:
    (tmp_path / "flask" / "__pycache__").mkdir(parents=True)
    (tmp_path / "flask" / "__pycache__" / "app.cpython-311.pyc").write_bytes(b"old")

    wheels._remove_foreign_bytecode(tmp_path)

    assert list((tmp_path / "flask").iterdir()) == []


def test_bytecode_names_modules_by_their_path_in_the_image(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def f():\n    pass\n")

    wheels._compile(tmp_path)

    [compiled] = (tmp_path / "__pycache__").iterdir()
    assert b"/opt/infer/packages/one.py" in compiled.read_bytes()
    assert str(tmp_path).encode() not in compiled.read_bytes()
