"""The page of a service in a real browser, which is started once for the tests of each module."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect, sync_playwright
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.service.conftest import ROOT, Service, environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import ConsoleMessage, Locator, Page, Request

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Root has no sandbox of Chromium; the rest keeps it from what it does for its owner, and for Google.
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
PATIENCE_MS = 15_000
# What stands in the place of a prediction where there is none.
NO_ANSWER = "\N{EN DASH}"


# Playwright keeps an event loop running in this thread: the tests of other modules may need one of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window. Its profile is a new folder, which Playwright removes."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium is installed, which .ci/browser installs on Debian")
        pytest.skip("no Chromium is installed")
    # Other tests may keep all processors busy.
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Serve an estimator until all tests are done, and give the URL; the same one is served once."""
    running: dict[tuple[int, str], tuple[object, Service]] = {}

    def start(estimator: object, declared: object = None, tokens: str = "") -> str:
        key = (id(estimator), tokens)
        if key not in running:
            folder = tmp_path_factory.mktemp("served")
            joblib.dump(estimator, folder / "model.joblib")
            if declared is not None:
                (folder / "infer.json").write_text(json.dumps(declared))
            settings = {}
            if tokens:
                (folder / "tokens").write_text(tokens)
                settings["TOKENS_FILE"] = str(folder / "tokens")
            running[key] = (estimator, _started(folder, settings))
        return f"http://127.0.0.1:{running[key][1].port}/"

    yield start
    for _, service in running.values():
        os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait()


def _started(folder: Path, more: dict[str, str]) -> Service:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    settings = {"MODEL_FILE": str(folder / "model.joblib"), "PORT": str(port), "WORKERS": "1", **more}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "service"],
            cwd=ROOT,
            env=environment(settings, folder),
            stderr=log,
            start_new_session=True,
        )
    service = Service(process, port, folder / "log")
    service.wait_until_ready()
    return service


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page, and check after the test that it complained of nothing, and asked nobody else."""
    complaints: list[str] = []
    strangers: list[str] = []
    contexts = []

    def note(message: ConsoleMessage) -> None:
        # Chromium calls each answer with status 400 or 401 an error, such as that to a wrong value.
        if (
            message.type in ("error", "warning")
            and re.search("status of (400|401|503)", message.text) is None
        ):
            complaints.append(message.text)

    def start(url: str, *, is_ready: bool = True, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))

        def look(request: Request) -> None:
            if not request.url.startswith((url.partition("#")[0].rstrip("/"), "blob:")):
                strangers.append(request.url)

        page.on("request", look)
        page.goto(url)
        if is_ready:
            expect(page.locator("#value")).not_to_have_text(NO_ANSWER)
        return page

    yield start
    for context in contexts:
        context.close()
    assert complaints == []
    assert strangers == []


def expect_curves(page: Page, count: int) -> None:
    """Wait until this number of lines is drawn; those of a service that was slow are asked for."""
    ask_for_curves(page, page.locator(".curve .line"))
    expect(page.locator(".curve .line")).to_have_count(count)


def ask_for_curves(page: Page, drawn: Locator) -> None:
    """Wait until something of a curve is drawn, or else the button for it is there, which is pressed."""
    button = page.get_by_role("button", name="Draw curves")
    expect(drawn.or_(button).first).to_be_attached()
    if button.is_visible():
        button.click()


@pytest.fixture
def shortcomings() -> Callable[[Page], list[str]]:
    """Let axe look at a page as it is now; give what is wrong, and where."""

    def look(page: Page) -> list[str]:
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]

    return look


@pytest.fixture(scope="session")
def wide_model() -> Any:
    """A classifier of 300 columns."""
    random = np.random.default_rng(0)
    names = [f"sensor_{number:03d}" for number in range(300)]
    table = pd.DataFrame(random.normal(10, 3, (80, 300)), columns=names)
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(table, table["sensor_007"] > 10)


@pytest.fixture(scope="session")
def many_kinds(mixed_models: dict[str, Any]) -> Any:
    """A classifier of numbers, categories, booleans, dates and texts, some of which may be missing."""
    return mixed_models["many"]
