"""How the page looks: colours, widths, focus, and what axe finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    Serve = Callable[..., str]
    Visit = Callable[..., Page]

PHONE = {"width": 360, "height": 740}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, {"width": 1280, "height": 900}], ids=["phone", "desk"])
def test_axe_finds_nothing(
    scheme: str,
    size: dict[str, int],
    many_kinds: Any,
    serve: Serve,
    visit: Visit,
    shortcomings: Callable[[Page], list[str]],
) -> None:
    page = visit(serve(many_kinds), color_scheme=scheme, viewport=size)
    page.locator("#facts").scroll_into_view_if_needed()
    expect(page.locator("#figures")).to_contain_text("p99")
    page.locator("summary").filter(has_text="JSON").click()

    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = sum(int(part) for part in background[4:-1].split(","))
    assert (light < 150) == (scheme == "dark")
    assert shortcomings(page) == []


@pytest.mark.parametrize("name", ["iris_model", "many_kinds", "wide_model"])
def test_a_phone_shows_everything_in_its_width(
    name: str, serve: Serve, visit: Visit, request: pytest.FixtureRequest
) -> None:
    page = visit(serve(request.getfixturevalue(name)), viewport=PHONE)

    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_on_a_phone_the_prediction_stays_in_sight(iris_model: Any, serve: Serve, visit: Visit) -> None:
    page = visit(serve(iris_model), viewport=PHONE)

    page.get_by_label("pwidth", exact=True).scroll_into_view_if_needed()

    expect(page.locator("#value")).to_be_in_viewport()


def test_the_prediction_stands_before_the_inputs(iris_model: Any, serve: Serve, visit: Visit) -> None:
    page = visit(serve(iris_model))

    value, field = page.locator("#value"), page.get_by_label("slength", exact=True)
    assert page.locator("#value, #f0").first.get_attribute("id") == "value"
    assert float(value.evaluate("it => parseFloat(getComputedStyle(it).fontSize)")) > 2 * float(
        field.evaluate("it => parseFloat(getComputedStyle(it).fontSize)")
    )
    expect(value).to_be_in_viewport()


def test_the_focus_of_the_keyboard_can_be_seen_everywhere(
    many_kinds: Any, serve: Serve, visit: Visit
) -> None:
    page = visit(serve(many_kinds))
    seen = set()
    page.keyboard.press("Tab")
    while not page.evaluate("document.activeElement === document.body"):
        focused, outline = page.evaluate("""() => {
            const it = document.activeElement;
            const shown = it.classList.contains("unseen") ? it.previousElementSibling : it;
            return [it.id || it.textContent, getComputedStyle(shown).outlineStyle];
        }""")
        assert (focused, outline) == (focused, "solid")
        seen.add(focused)
        page.keyboard.press("Tab")
    assert {"reset", "link", "f0", "f6", "f8", "csv", "run", "file", "copy", "snippet", "metrics"} <= seen


@pytest.mark.parametrize("columns", ["few", "many"])
def test_the_answer_stays_beside_the_inputs(
    columns: str, iris_model: Any, wide_model: Any, serve: Serve, visit: Visit
) -> None:
    page = visit(
        serve(iris_model if columns == "few" else wide_model), viewport={"width": 1280, "height": 900}
    )
    page.locator("#facts").scroll_into_view_if_needed()
    expect(page.locator("#figures")).to_contain_text("p99")

    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")

    ends = page.evaluate("""() => {
        const end = (name) => document.querySelector(name).getBoundingClientRect().bottom;
        return [end("#answer"), end("form")];
    }""")
    assert ends[0] <= ends[1] + 1
