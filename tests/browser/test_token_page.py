"""A service that needs a token, in a real browser: the page asks for it once, and every page then works."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from tests.browser.conftest import NO_ANSWER
from tests.service.access.test_tokens import line

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    Serve = Callable[..., str]
    Visit = Callable[..., Page]

TOKENS = line("all", "predict,metrics", "all-1")


def test_the_page_asks_for_the_token_and_keeps_it_for_the_tab(
    many_kinds: Any, serve: Serve, visit: Visit, shortcomings: Callable[[Page], list[str]]
) -> None:
    page = visit(serve(many_kinds, tokens=TOKENS), is_ready=False)
    assert shortcomings(page) == []

    page.get_by_role("textbox", name="Token").fill("all-2")
    page.get_by_role("button", name="Open").click()
    expect(page.locator("#said")).to_have_text("The service does not know this token.")
    page.get_by_role("textbox", name="Token").fill("all-1")
    page.get_by_role("button", name="Open").click()

    expect(page.locator("#value")).not_to_have_text(NO_ANSWER)
    prediction = page.locator("#value").inner_text()
    for language, command in (("curl", ["bash", "-c"]), ("Python", [sys.executable, "-c"])):
        page.get_by_role("button", name=language, exact=True).click()
        code = page.locator("#snippet").inner_text()
        assert "all-1" not in code
        environment = {**os.environ, "INFER_TOKEN": "all-1"}
        ran = subprocess.run([*command, code], env=environment, capture_output=True, text=True, check=True)
        assert prediction in ran.stdout, language
    # They are asked for when somebody sees where they stand.
    page.locator("#facts").scroll_into_view_if_needed()
    expect(page.locator("#figures")).to_contain_text("Requests answered")
    page.get_by_role("link", name="The interface", exact=True).click()
    expect(page.locator(".opblock")).to_have_count(7)
    page.locator("#operations-prediction-predict .opblock-summary-control").click()
    page.locator("#operations-prediction-predict").get_by_role("button", name="Execute").click()
    answer = page.locator("#operations-prediction-predict .live-responses-table")
    expect(answer.locator(".response-col_status").last).to_contain_text("200")


def test_a_link_may_carry_the_token_which_leaves_the_address_at_once(
    many_kinds: Any, serve: Serve, visit: Visit
) -> None:
    page = visit(f"{serve(many_kinds, tokens=TOKENS)}#token=all-1")

    assert "all-1" not in page.url
    page.reload()
    expect(page.locator("#value")).not_to_have_text(NO_ANSWER)
