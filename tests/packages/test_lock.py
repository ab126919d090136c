from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from infer_cli.errors import LockFailed, NothingFits
from infer_cli.image.base import BaseImage
from infer_cli.packages.lock import (
    Lock,
    check_lock,
    read_lock,
    requirement_lines,
    resolve_lock,
    target_options,
    write_lock,
)

if TYPE_CHECKING:
    from pathlib import Path

BASE = BaseImage("python:3.11-slim", "3.11", "amd64")
TEXT = """\
blinker==1.9.0 \\
    --hash=sha256:b4ce2265a7abece45e7cc896e98dbebe6cead56bcf805a3d23136d145f5445bf \\
    --hash=sha256:ba0efaa9080b619ff2f3459d1d500c57bddea4a6b424b60a91141db6fd2f08bc
Zope.interface==7.0 ; python_version >= '3.9' \\
    --hash=sha256:00
# a==1 stands in a comment
annotated_doc==0.0.4;python_version<'4'
"""


@pytest.fixture(autouse=True)
def _users_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package index is the user's choice; no other setting of uv may change the resolution."""
    for name in ("UV_EXCLUDE_NEWER", "UV_PRERELEASE", "UV_RESOLUTION"):
        monkeypatch.delenv(name, raising=False)


def test_the_pins_are_sorted_by_name() -> None:
    assert Lock(TEXT).pins == {"Zope.interface": "7.0", "annotated_doc": "0.0.4", "blinker": "1.9.0"}


def test_the_requirements_name_exact_versions() -> None:
    assert Lock(TEXT).requirements == ("Zope.interface==7.0", "annotated_doc==0.0.4", "blinker==1.9.0")


def test_the_digest_is_the_sha256_of_the_text() -> None:
    assert Lock(TEXT).digest == f"sha256:{hashlib.sha256(TEXT.encode()).hexdigest()}"


def test_a_resolved_lock_has_every_package_with_its_hashes() -> None:
    lock = resolve_lock(("blinker==1.9.0", "threadpoolctl==3.6.0"), BASE)

    assert lock.pins == {"blinker": "1.9.0", "threadpoolctl": "3.6.0"}
    assert lock.text.count("--hash=sha256:") >= len(lock.pins)


def test_a_dependency_is_locked_too() -> None:
    lock = resolve_lock(("jinja2==3.1.6",), BASE)

    assert lock.pins.keys() == {"jinja2", "markupsafe"}


def test_a_preferred_version_is_taken_if_it_fits() -> None:
    preferred = {"blinker": "1.8.2", "jinja2": "3.1.5", "rich": "14.0.0", "threadpoolctl": "999"}

    lock = resolve_lock(("blinker>=1.9", "jinja2", "threadpoolctl"), BASE, preferred=preferred)

    assert lock.pins["jinja2"] == "3.1.5"
    assert lock.pins["blinker"] != "1.8.2"
    assert lock.pins["threadpoolctl"] != "999"
    assert "rich" not in lock.pins
    assert lock.text.count("--hash=sha256:") >= len(lock.pins)


def test_the_order_of_requirements_does_not_matter() -> None:
    one = resolve_lock(("blinker==1.9.0", "threadpoolctl==3.6.0"), BASE)
    other = resolve_lock(("threadpoolctl==3.6.0", "blinker==1.9.0"), BASE)

    assert one == other


def test_a_lock_is_resolved_for_the_python_of_the_image_not_of_this_machine() -> None:
    requirement = ("markupsafe<3 ; python_version < '3.12'", "blinker ; python_version >= '3.12'")

    old = resolve_lock(requirement, BASE)
    new = resolve_lock(requirement, BaseImage("python:3.12-slim", "3.12", "arm64"))

    assert (set(old.pins), set(new.pins)) == ({"markupsafe"}, {"blinker"})


def test_a_lock_names_neither_the_index_nor_the_machine() -> None:
    lock = resolve_lock(("blinker==1.9.0",), BASE)

    assert "/" not in lock.text
    assert lock.text.count("#") == 1


@pytest.mark.parametrize(
    "requirement",
    [
        pytest.param("blinker==999", id="no such version"),
        # markupsafe 1.0 has a source distribution only.
        pytest.param("markupsafe==1.0", id="no wheel"),
    ],
)
def test_requirements_without_a_solution_are_an_error(requirement: str) -> None:
    with pytest.raises(NothingFits) as raised:
        resolve_lock((requirement,), BASE)

    assert raised.value.message == (
        f"cannot resolve the packages {requirement} for Python {BASE.python} on {BASE.architecture}"
    )
    assert requirement.partition("=")[0] in str(raised.value.detail)
    assert str(raised.value.hint).startswith("no Python version that infer supports has wheels")


def test_an_index_that_cannot_be_reached_is_an_error(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")

    with pytest.raises(LockFailed) as raised:
        resolve_lock(("blinker",), BASE, cache=tmp_path_factory.mktemp("cache"))

    assert str(raised.value.hint).startswith("the package index cannot be reached; ")


def test_an_unreadable_requirement_is_an_error() -> None:
    with pytest.raises(LockFailed) as raised:
        resolve_lock(("blinker===",), BASE)

    assert raised.value.hint == "see uv's message above"


def test_the_target_options_describe_the_image() -> None:
    assert target_options(BaseImage("x", "3.9", "arm64")) == (
        *("--python-version", "3.9"),
        *("--python-platform", "aarch64-manylinux_2_28"),
        *("--only-binary", ":all:"),
    )


def test_requirement_lines_have_no_comments() -> None:
    text = "# all\nflask==3.1.3\n\n  granian==2.8.7 ; python_version >= '3.10'  # the server\n"

    assert requirement_lines(text) == ("flask==3.1.3", "granian==2.8.7 ; python_version >= '3.10'")


def test_a_lock_names_its_python_and_platform() -> None:
    lock = resolve_lock(("blinker",), BASE)

    assert (lock.python, lock.platform) == ("3.11", "x86_64-manylinux_2_28")
    assert lock.fits(BASE)
    assert not lock.fits(BaseImage("python:3.12-slim", "3.12", "amd64"))


def test_a_lock_of_another_tool_fits_any_base() -> None:
    assert Lock(TEXT).fits(BASE)


def test_a_written_lock_is_read_back(tmp_path: Path) -> None:
    lock = Lock(TEXT)

    write_lock(lock, tmp_path / "model.lock")

    assert read_lock(tmp_path / "model.lock") == lock


@pytest.mark.parametrize(
    "text", ["", "blinker\n", "blinker==1.9.0\n"], ids=["empty", "unpinned", "without hashes"]
)
def test_a_file_that_is_no_lock_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "model.lock").write_text(text)

    with pytest.raises(LockFailed, match="is not a lock"):
        read_lock(tmp_path / "model.lock")


def test_an_existing_file_is_never_overwritten_by_a_lock(tmp_path: Path) -> None:
    (tmp_path / "model.lock").write_text("mine")

    with pytest.raises(LockFailed, match="cannot write"):
        write_lock(Lock(TEXT), tmp_path / "model.lock")

    assert (tmp_path / "model.lock").read_text() == "mine"


def test_package_names_are_compared_normalised(tmp_path: Path) -> None:
    check_lock(Lock(TEXT), ("zope_interface==7.0", "Blinker>=1", "annotated-doc"), path=tmp_path)


def test_a_lock_may_hold_a_drop_in_replacement(tmp_path: Path) -> None:
    lock = Lock("xgboost==3.2.0 --hash=sha256:00\n")

    check_lock(lock, ("xgboost-cpu==3.2.0",), path=tmp_path)


def test_missing_and_different_versions_in_a_lock_are_named(tmp_path: Path) -> None:
    with pytest.raises(LockFailed) as caught:
        check_lock(Lock(TEXT), ("blinker==2.0", "flask", "annotated-doc>=0.0.5,<2"), path=tmp_path)

    assert str(caught.value.detail).splitlines() == [
        "  blinker==2.0 is needed, and the lock has 1.9.0",
        "  flask is missing",
        "  annotated-doc>=0.0.5,<2 is needed, and the lock has 0.0.4",
    ]


def test_what_only_uv_can_judge_is_left_to_it(tmp_path: Path) -> None:
    needed = ("flask==3 ; python_version < '3'", "./mine-1.0-py3-none-any.whl", "blinker[fast]==1.9.0")

    check_lock(Lock(TEXT), needed, path=tmp_path)


def test_a_version_that_is_none_fulfils_nothing(tmp_path: Path) -> None:
    with pytest.raises(LockFailed, match="does not fit the model"):
        check_lock(Lock("blinker==new --hash=sha256:00\n"), ("blinker>=1",), path=tmp_path)
