"""The page at /docs: Swagger UI from the service itself, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    Serve = Callable[..., str]
    Visit = Callable[..., Page]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_interface_of_any_model_is_shown(
    scheme: str, many_kinds: Any, serve: Serve, visit: Visit
) -> None:
    """The fixture fails for each line on the console, and for each request to another origin."""
    page = visit(serve(many_kinds), color_scheme=scheme)

    page.get_by_role("link", name="The interface", exact=True).click()

    expect(page.locator(".opblock")).to_have_count(7)
    expect(page.locator(".title")).to_contain_text("model.joblib")
    background = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (background == "rgb(28, 32, 34)") == (scheme == "dark")


def test_a_request_is_tried_and_answered(many_kinds: Any, serve: Serve, visit: Visit) -> None:
    url = serve(many_kinds)
    page = visit(url)

    page.goto(f"{url}docs")
    page.locator("#operations-prediction-predict .opblock-summary-control").click()
    page.locator("#operations-prediction-predict").get_by_role("button", name="Execute").click()

    answer = page.locator("#operations-prediction-predict .live-responses-table")
    expect(answer.locator(".response-col_status").last).to_contain_text("200")
    expect(answer).to_contain_text('"predictions"')
