"""What a person types, and what becomes of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.browser.conftest import NO_ANSWER, expect_curves

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page, Request, Route

    Serve = Callable[..., str]
    Visit = Callable[..., Page]

SETOSA = {"slength": "5.1", "swidth": "3.5", "plength": "1.4", "pwidth": "0.2"}


def type_in(page: Page, values: dict[str, str]) -> None:
    for name, value in values.items():
        page.get_by_label(name, exact=True).fill(value)


def asked_row(page: Page, act: Callable[[], object], part: str) -> dict[str, Any]:
    """The row that the page asks for after an action, which has this part."""
    with page.expect_request(lambda asked: is_one_row(asked) and part in (asked.post_data or "")) as asked:
        act()
    row: dict[str, Any] = json.loads(asked.value.post_data or "")
    return row


def is_one_row(request: Request) -> bool:
    return request.method == "POST" and not (request.post_data or "").startswith('{"rows"')


def test_the_answer_follows_what_is_typed(iris_model: Any, serve: Serve, visit: Visit) -> None:
    page = visit(serve(iris_model))
    expect(page.locator("#value")).to_have_text("versicolor")

    type_in(page, SETOSA)

    row = pd.DataFrame([{name: float(value) for name, value in SETOSA.items()}])
    share = iris_model.predict_proba(row)[0].max()
    expect(page.locator("#value")).to_have_text("setosa")
    expect(page.locator("#summary")).to_have_text(f"with a probability of {share * 100:.1f} %")
    expect(page.get_by_label("Probabilities").get_by_role("listitem")).to_have_count(3)
    expect(page.get_by_role("status").first).to_contain_text("setosa")
    # The number as it is, folded away and where the rounded one stands.
    exact = page.locator(".is-answer .bar-share").get_attribute("title") or ""
    assert float(exact) == pytest.approx(share, abs=1e-12)
    expect(page.locator("#json")).to_contain_text(exact)
    assert not page.locator("#raw").evaluate("details => details.open")


def test_a_slider_moves_by_keys_and_shows_the_range_that_the_model_knows(
    iris_model: Any, serve: Serve, visit: Visit
) -> None:
    page = visit(serve(iris_model))
    slider = page.get_by_role("slider", name="plength")
    assert [slider.get_attribute(end) for end in ("min", "max")] == ["0.23", "7.28"]

    slider.focus()
    for _ in range(5):
        page.keyboard.press("PageDown")

    expect(page.locator("#value")).to_have_text("setosa")
    assert 0.2 < float(page.get_by_label("plength", exact=True).input_value()) < 1


def test_an_answer_that_comes_late_is_dropped(iris_model: Any, serve: Serve, visit: Visit) -> None:
    page = visit(serve(iris_model))
    held: list[Route] = []

    def hold(route: Route) -> None:
        if '"pwidth": 2.5' in (route.request.post_data or "") and not held:
            held.append(route)
        else:
            route.continue_()

    page.route("**/prediction", hold)
    with page.expect_request(lambda asked: is_one_row(asked) and '"pwidth": 2.5' in (asked.post_data or "")):
        type_in(page, {"plength": "6.9", "pwidth": "2.5"})
    type_in(page, SETOSA)
    expect(page.locator("#value")).to_have_text("setosa")

    held[0].fulfill(json={"predictions": ["late"], "probabilities": [{"late": 1}]})

    page.wait_for_load_state("networkidle")
    expect(page.locator("#value")).to_have_text("setosa")


def test_every_error_stands_beside_its_field(
    iris_model: Any, serve: Serve, visit: Visit, shortcomings: Callable[[Page], list[str]]
) -> None:
    page = visit(serve(iris_model))

    type_in(page, {"slength": "wide", "pwidth": ""})

    expect(page.locator("#summary")).to_have_text("2 inputs need a look")
    field = page.get_by_label("slength", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description('slength is not a number: "wide"')
    expect(page.get_by_label("pwidth", exact=True)).to_have_accessible_description("pwidth is missing")
    expect(page.get_by_label("swidth", exact=True)).not_to_have_attribute("aria-invalid", "true")
    box, problem = field.bounding_box(), page.locator("#f0-problem").bounding_box()
    assert box is not None
    assert problem is not None
    assert 0 <= problem["y"] - (box["y"] + box["height"]) < 16
    assert shortcomings(page) == []

    page.get_by_role("link", name="pwidth is missing").click()
    expect(page.get_by_label("pwidth", exact=True)).to_be_focused()
    type_in(page, {"slength": "5", "pwidth": "1"})
    expect(page.locator("[aria-invalid]")).to_have_count(0)
    expect(page.locator("#value")).not_to_have_text(NO_ANSWER)


def test_each_column_type_is_sent_as_what_it_is(many_kinds: Any, serve: Serve, visit: Visit) -> None:
    page = visit(serve(many_kinds))
    page.get_by_label("size", exact=True).select_option("M")
    page.get_by_label("rooms", exact=True).select_option("3")
    page.get_by_role("switch", name="member").check()
    type_in(page, {"income": "4000", "town": "Köln", "zip": "5", "since": "2021-02-03", "note": "two\nlines"})

    row = asked_row(page, lambda: type_in(page, {"Time of since, may be empty": "12:30:05"}), "12:30:05")

    assert row == {
        "age": 40.9,
        "income": 4000,
        "town": "Köln",
        "zip": "5",
        "size": "M",
        "rooms": 3,
        "member": True,
        "since": "2021-02-03T12:30:05",
        "note": "two\nlines",
    }
    expect(page.locator("#value")).to_have_text(re.compile("yes|no"))


def test_a_field_that_may_be_empty_says_so_and_when_it_is(
    many_kinds: Any, serve: Serve, visit: Visit
) -> None:
    page = visit(serve(many_kinds))
    age = page.get_by_label("age", exact=True)
    expect(age).to_have_accessible_description("may be empty")

    row = asked_row(page, lambda: age.fill(""), '"age": null')

    assert row["age"] is None
    expect(age).to_have_accessible_description("missing")
    expect(page.locator("#value")).not_to_have_text(NO_ANSWER)


def test_known_categories_are_offered_and_an_unknown_one_that_is_taken_is_doubted(
    many_kinds: Any, serve: Serve, visit: Visit
) -> None:
    page = visit(serve(many_kinds))
    town = page.get_by_label("town", exact=True)
    town.focus()
    offered = page.locator("#f2-known option").evaluate_all("options => options.map(one => one.value)")
    assert offered == ["A & B", "Köln", "New York", 'say "hi"']

    town.fill("koln")

    expect(town).to_have_accessible_description(re.compile('did you mean "Köln"'))
    expect(town).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#remarks")).to_contain_text("koln")


def test_a_link_carries_the_inputs(many_kinds: Any, serve: Serve, visit: Visit) -> None:
    url = serve(many_kinds)
    page = visit(url)
    type_in(page, {"age": "", "town": "A & B", "note": "a=b & c #1\nnext", "since": "2021-02-03"})
    page.get_by_role("switch", name="member").check()
    expect(page.locator("#json")).not_to_be_empty()
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#told")).to_have_text("Link copied")
    link = page.url

    other = visit(link)

    assert link.startswith(f"{url}#age=&income=5370&town=A%20%26%20B&")
    values = [[each.input_value() for each in one.locator("input[name]:not([role]), textarea[name]").all()]
              for one in (page, other)]  # fmt: skip
    assert values[0] == values[1]
    expect(other.get_by_role("switch", name="member")).to_be_checked()
    expect(page.locator("#json")).to_have_text(other.locator("#json").text_content() or "")


def test_the_code_asks_for_the_same(many_kinds: Any, serve: Serve, visit: Visit) -> None:
    page = visit(serve(many_kinds))
    with page.expect_response(lambda answer: '"age": null' in (answer.request.post_data or "")) as answered:
        type_in(page, {"note": 'it\'s a "good" thing', "age": ""})
    expected = answered.value.json()["probabilities"][0]
    code = {}
    for language in ("curl", "Python", "JavaScript"):
        page.get_by_role("button", name=language, exact=True).click()
        code[language] = page.locator("#snippet").inner_text()

    curl = subprocess.run(["bash", "-c", code["curl"]], capture_output=True, text=True, check=True)
    python = subprocess.run(
        [sys.executable, "-c", code["Python"]], capture_output=True, text=True, check=True
    )
    with page.expect_console_message() as said:
        page.evaluate(f"(async () => {{ {code['JavaScript']} }})()")

    assert json.loads(curl.stdout)["probabilities"] == expected
    assert str(expected) in python.stdout
    assert said.value.args[0].json_value()["probabilities"][0] == expected


def test_code_is_copied(iris_model: Any, serve: Serve, visit: Visit) -> None:
    page = visit(serve(iris_model), permissions=["clipboard-read", "clipboard-write"])

    page.get_by_role("button", name="Copy", exact=True).click()

    expect(page.locator("#told")).to_have_text("Code copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl 'http://127.0.0.1:")
    assert "slength=5.84&swidth=3.06" in copied


def test_a_service_that_does_not_answer_is_asked_again(iris_model: Any, serve: Serve, visit: Visit) -> None:
    page = visit(serve(iris_model))
    page.route("**/prediction", lambda route: route.fulfill(status=503, json={
        "error": {"code": "busy", "message": "try again in a moment", "details": None}
    }))  # fmt: skip
    page.get_by_role("button", name="Usual values").click()
    expect(page.locator("#remarks")).to_have_text("try again in a moment")

    page.unroute("**/prediction")

    expect(page.locator("#value")).to_have_text("versicolor")


def test_without_a_script_the_form_still_asks(iris_model: Any, serve: Serve, visit: Visit) -> None:
    page = visit(serve(iris_model), is_ready=False, java_script_enabled=False)
    # The answer is no page, and names no icon.
    page.route("**/favicon.ico", lambda route: route.fulfill(status=204))

    page.get_by_role("button", name="Predict").click()

    assert '"prediction":"versicolor"' in page.content()


def test_the_answer_follows_a_slider_while_it_is_drawn(iris_model: Any, serve: Serve, visit: Visit) -> None:
    page = visit(serve(iris_model))
    slider = page.get_by_role("slider", name="plength")
    box = slider.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()

    for place in range(50, 4, -2):
        page.mouse.move(box["x"] + box["width"] * place / 100, middle)

    # The button of the mouse is still down.
    expect(page.locator("#value")).to_have_text("setosa")
    page.mouse.up()
    expect(page.get_by_label("plength", exact=True)).not_to_have_value("3.76")


def test_a_column_may_be_called_as_a_part_of_the_browser_is(serve: Serve, visit: Visit) -> None:
    names = ["addEventListener", "classList", "submit", "action", "__proto__", "<b>", "a&b=c#d", "größe"]
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 8)), columns=names)
    model = make_pipeline(StandardScaler(), LinearRegression()).fit(table, table["<b>"] * 1000)
    page = visit(serve(model))

    type_in(page, {name: str(number) for number, name in enumerate(names)})

    expect(page.locator("#value")).to_have_text("5,000")
    expect_curves(page, 8)
    page.get_by_role("button", name="Copy link").click()
    other = visit(page.url)
    expect(other.locator("#value")).to_have_text("5,000")


def test_the_arrows_of_the_keyboard_move_a_number_over_its_range(
    wide_model: Any, serve: Serve, visit: Visit
) -> None:
    page = visit(serve(wide_model))
    field = page.get_by_label("sensor_007", exact=True)
    before = float(field.input_value())
    field.focus()

    page.keyboard.press("ArrowUp")

    # A hundredth of the range, which is four standard deviations wide.
    assert 0.06 < float(field.input_value()) - before < 0.18
    page.keyboard.press("Tab")
    expect(page.get_by_label("sensor_008", exact=True)).to_be_focused()
