from __future__ import annotations

import hashlib

import pytest

from infer_cli.base import BaseImage
from infer_cli.errors import LockFailed
from infer_cli.lock import Lock, requirement_lines, resolve_lock, target_options

BASE = BaseImage("python:3.11-slim", "3.11", "amd64")
TEXT = """\
blinker==1.9.0 \\
    --hash=sha256:b4ce2265a7abece45e7cc896e98dbebe6cead56bcf805a3d23136d145f5445bf \\
    --hash=sha256:ba0efaa9080b619ff2f3459d1d500c57bddea4a6b424b60a91141db6fd2f08bc
Zope.interface==7.0 ; python_version >= '3.9' \\
    --hash=sha256:00
# a==1 is only talked of
annotated_doc==0.0.4;python_version<'4'
"""


@pytest.fixture(autouse=True)
def _users_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The index may be anyone's, but which packages are chosen is not to depend on more settings."""
    for name in ("UV_EXCLUDE_NEWER", "UV_PRERELEASE", "UV_RESOLUTION"):
        monkeypatch.delenv(name, raising=False)


def test_the_pins_are_sorted_by_name() -> None:
    assert Lock(TEXT).pins == {"Zope.interface": "7.0", "annotated_doc": "0.0.4", "blinker": "1.9.0"}


def test_the_requirements_name_exact_versions() -> None:
    assert Lock(TEXT).requirements == ("Zope.interface==7.0", "annotated_doc==0.0.4", "blinker==1.9.0")


def test_the_digest_is_that_of_the_text() -> None:
    assert Lock(TEXT).digest == f"sha256:{hashlib.sha256(TEXT.encode()).hexdigest()}"


def test_a_resolved_lock_has_every_package_with_its_hashes() -> None:
    lock = resolve_lock(("blinker==1.9.0", "threadpoolctl==3.6.0"), BASE)

    assert lock.pins == {"blinker": "1.9.0", "threadpoolctl": "3.6.0"}
    assert lock.text.count("--hash=sha256:") >= len(lock.pins)


def test_a_dependency_is_locked_too() -> None:
    lock = resolve_lock(("jinja2==3.1.6",), BASE)

    assert lock.pins.keys() == {"jinja2", "markupsafe"}


def test_the_order_of_requirements_does_not_matter() -> None:
    one = resolve_lock(("blinker==1.9.0", "threadpoolctl==3.6.0"), BASE)
    other = resolve_lock(("threadpoolctl==3.6.0", "blinker==1.9.0"), BASE)

    assert one == other


def test_a_lock_is_made_for_the_python_of_the_image_and_not_of_this_machine() -> None:
    requirement = ("markupsafe<3 ; python_version < '3.12'", "blinker ; python_version >= '3.12'")

    old = resolve_lock(requirement, BASE)
    new = resolve_lock(requirement, BaseImage("python:3.12-slim", "3.12", "arm64"))

    assert (set(old.pins), set(new.pins)) == ({"markupsafe"}, {"blinker"})


def test_a_lock_tells_neither_index_nor_machine() -> None:
    lock = resolve_lock(("blinker==1.9.0",), BASE)

    assert "://" not in lock.text
    assert "/" not in lock.text
    assert "#" not in lock.text


@pytest.mark.parametrize(
    ("requirement", "base", "hint"),
    [
        pytest.param(
            "blinker==999",
            BASE,
            "these versions do not go together; try another Python with --python X.Y",
            id="no such version",
        ),
        pytest.param(
            # Its wheels begin with a later Python.
            "markupsafe==1.0",
            BASE,
            "there is no wheel of this version for the image's Python and processor: choose another Python "
            "with --python X.Y (or another --base-image)",
            id="no wheel",
        ),
    ],
)
def test_what_cannot_be_resolved_is_an_error(requirement: str, base: BaseImage, hint: str) -> None:
    with pytest.raises(LockFailed) as raised:
        resolve_lock((requirement,), base)

    assert raised.value.message == (
        f"cannot resolve the packages {requirement} for Python {base.python} on {base.architecture}"
    )
    assert requirement.partition("=")[0] in str(raised.value.detail)
    assert raised.value.hint == hint


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


def test_the_target_is_that_of_the_image() -> None:
    assert target_options(BaseImage("x", "3.9", "arm64")) == (
        *("--python-version", "3.9"),
        *("--python-platform", "aarch64-manylinux_2_28"),
        *("--only-binary", ":all:"),
    )


def test_requirement_lines_are_without_comments() -> None:
    text = "# all\nflask==3.1.3\n\n  granian==2.8.7 ; python_version >= '3.10'  # the server\n"

    assert requirement_lines(text) == ("flask==3.1.3", "granian==2.8.7 ; python_version >= '3.10'")
