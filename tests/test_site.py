"""The site of the documents is built, and each kind of fault in it is found; so are dead links elsewhere."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from docs.build_site import SETTINGS, build_site

_ROOT = Path(__file__).resolve().parent.parent
# Pages outside of the site, which people read in the repository.
_OUTSIDE = sorted([*_ROOT.glob("*.md"), *(_ROOT / "examples").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]+))?\)")
_PATH = re.compile(r"`((?:infer_cli|service|tests|docs|benchmarks|examples|\.ci)/[\w./-]*)`")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what the site is made of."""
    folder = tmp_path / "checkout"
    shutil.copytree(_ROOT / "docs", folder / "docs")
    shutil.copy(_ROOT / SETTINGS, folder)
    return folder


def test_site_has_no_faults(checkout: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"

    assert build_site(checkout, site) == []
    assert len([*site.glob("*.html")]) == len([*checkout.glob("docs/*.md")]) + 1, "each page, and that of 404"
    assert not [*site.rglob("*.py")]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("[x](nowhere.md)", "page does not exist", id="page"),
        pytest.param("[x](build.md#nowhere)", "anchor does not exist", id="anchor"),
        pytest.param("[x](#nowhere)", "anchor does not exist", id="own anchor"),
        pytest.param("![x](nowhere.svg)", "nowhere.svg, which does not exist", id="image"),
        pytest.param("[x](nowhere.txt)", "nowhere.txt, which does not exist", id="file"),
        pytest.param("[x](../README.md)", "page does not exist", id="page outside of the site"),
        pytest.param('<a href="nowhere.html">x</a>', "nowhere.html, which does not exist", id="HTML"),
        pytest.param("![x](https://elsewhere.example/x.png)", "from another server", id="image elsewhere"),
    ],
)
def test_wrong_link_is_found(checkout: Path, tmp_path: Path, text: str, fault: str) -> None:
    with (checkout / "docs" / "run.md").open("a") as page:
        page.write(f"\n{text}\n")

    faults = build_site(checkout, tmp_path / "site")

    assert any(fault in line for line in faults), faults
    assert not (tmp_path / "site").exists()


def test_page_out_of_the_navigation_is_found(checkout: Path, tmp_path: Path) -> None:
    (checkout / "docs" / "lost.md").write_text("# Lost\n")

    assert build_site(checkout, tmp_path / "site") == ["lost.md is not in the navigation"]


def test_page_that_only_the_navigation_has_is_found(checkout: Path, tmp_path: Path) -> None:
    settings = checkout / SETTINGS
    settings.write_text(settings.read_text().replace("run.md", "walk.md"))

    faults = build_site(checkout, tmp_path / "site")

    assert "the navigation has walk.md, which does not exist" in faults


@pytest.mark.parametrize("page", _OUTSIDE, ids=lambda page: str(page.relative_to(_ROOT)))
def test_links_outside_of_the_site_lead_somewhere(page: Path) -> None:
    for target, anchor in _LINK.findall(_FENCED.sub("", page.read_text())):
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{target} does not exist"
        if anchor:
            assert anchor in _anchors(file), f"{target} has no heading {anchor}"


def _anchors(page: Path) -> set[str]:
    """The anchors of the headings of a page, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "page", [*_OUTSIDE, *sorted((_ROOT / "docs").glob("*.md"))], ids=lambda page: str(page.relative_to(_ROOT))
)
def test_files_that_a_page_names_exist(page: Path) -> None:
    missing = [path for path in _PATH.findall(page.read_text()) if not (_ROOT / path).exists()]

    # NAME stands for any name.
    assert [path for path in missing if "NAME" not in path] == []
