"""Builds the site of these pages, and says what is wrong with it. Run it as `make docs`.

Zensical is strict about links between pages and their anchors. It does not report pages that the navigation
lacks or only promises, missing images, and links to other files; so the finished site is checked here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = "mkdocs.yml"
# Elements that load something, and the attribute that says what.
_LOADING = {"img": "src", "link": "href", "script": "src", "iframe": "src", "source": "src"}


def build_site(root: Path, site: Path) -> list[str]:
    """Build the site of the checkout `root` into the folder `site`; give its faults, a line for each.

    Only a site without faults is written.
    """
    settings = yaml.safe_load((root / SETTINGS).read_text())
    # In a copy: Zensical keeps a cache beside the settings.
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        shutil.copy(root / SETTINGS, copy)
        shutil.copytree(root / settings["docs_dir"], copy / settings["docs_dir"])
        finished = subprocess.run(
            [sys.executable, "-m", "zensical", "build", "--strict"],
            cwd=copy,
            env={**os.environ, "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        built = copy / settings["site_dir"]
        faults = [*_wrong_pages(root / settings["docs_dir"], settings["nav"])]
        faults += [finished.stdout.strip()] if finished.returncode != 0 else _wrong_links(built)
        if not faults:
            shutil.rmtree(site, ignore_errors=True)
            shutil.copytree(built, site)
    return faults


def _wrong_pages(docs: Path, navigation: list[object]) -> Iterator[str]:
    pages = {path.relative_to(docs).as_posix() for path in docs.rglob("*.md")}
    listed = set(pages_of(navigation))
    yield from (f"{page} is not in the navigation" for page in sorted(pages - listed))
    yield from (f"the navigation has {page}, which does not exist" for page in sorted(listed - pages))


def pages_of(navigation: list[object]) -> Iterator[str]:
    """Give the pages of a navigation in their order."""
    for entry in navigation:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            if isinstance(value, list):
                yield from pages_of(value)
            else:
                yield str(value)


class _Page(HTMLParser):
    """The ids of a page, what it links to, and what it loads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what is of interest in an element."""
        values = {name: value or "" for name, value in attrs}
        self.ids.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif _LOADING.get(tag, "") in values:
            self.loaded.append(values[_LOADING[tag]])


def _wrong_links(site: Path) -> Iterator[str]:
    pages = {path: _Page(path.read_text()) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site)
        for target in page.loaded:
            if urlsplit(target).netloc:
                yield f"{name} loads {target} from another server"
        for target in {*page.links, *page.loaded}:
            parts = urlsplit(target)
            # The page of a missing page is served at any address.
            if parts.scheme or parts.netloc or name.name == "404.html":
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            file = file / "index.html" if file.is_dir() else file
            if not file.exists():
                yield f"{name} links to {target}, which does not exist"
            elif parts.fragment and file in pages and unquote(parts.fragment) not in pages[file].ids:
                yield f"{name} links to {target}, and there is no such place on that page"


def main() -> int:
    """Build the site of this checkout; 1 if something is wrong with it."""
    site = ROOT / "build" / "site"
    faults = build_site(ROOT, site)
    for fault in faults:
        print(fault, file=sys.stderr)
    if not faults:
        print(f"The site: {site / 'index.html'}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
