"""What was asked beside the training data, and which classes were answered, as the page shows it."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    Serve = Callable[..., str]
    Visit = Callable[..., Page]

CHANCE = np.random.default_rng(3)
WIDE = [f"measure {at}" for at in range(300)]
PHONE = {"width": 360, "height": 740}


def ask(url: str, rows: list[dict[str, object]]) -> None:
    body = json.dumps({"rows": rows}).encode()
    asked = urllib.request.Request(f"{url}prediction", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(asked, timeout=30).close()


def lines_of(page: Page) -> list[list[str]]:
    page.locator("#facts").scroll_into_view_if_needed()
    expect(page.locator("#asked table")).to_be_visible()
    rows = page.locator("#asked tbody tr").all()
    return [[cell.inner_text() for cell in row.locator("th, td").all()] for row in rows]


@pytest.fixture(scope="module")
def mixed() -> Any:
    table = pd.DataFrame({"age": np.linspace(18, 80, 50), 'home, "sweet"\\': ["Oslo", "Rome"] * 25})
    steps = make_column_transformer(
        (StandardScaler(), ["age"]), (OneHotEncoder(handle_unknown="ignore"), table.columns[1:])
    )
    return make_pipeline(steps, LogisticRegression()).fit(
        table, np.where(table["age"] > 40, "old", "<i>young")
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_lies_outside_is_named_first(
    scheme: str, mixed: Any, serve: Serve, visit: Visit, shortcomings: Callable[[Page], list[str]]
) -> None:
    url = serve(mixed)
    ask(url, [{"age": 30, 'home, "sweet"\\': "Oslo"}] * 78 + [{"age": 300, 'home, "sweet"\\': "Oslo"}] * 20)
    ask(url, [{"age": 30, 'home, "sweet"\\': "Bergen"}] * 2)

    page = visit(url, color_scheme=scheme, viewport=PHONE)

    age, home = lines_of(page)
    assert (age[0], home[0]) == ("age", 'home, "sweet"\\')
    assert age[1].endswith(" % above")
    assert home[1].endswith(" % unseen")
    assert float(age[1].split()[0]) > 15 > float(home[1].split()[0])
    expect(page.locator("#asked dd")).to_contain_text("<i>young")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert shortcomings(page) == []


def test_the_index_tells_of_another_distribution(serve: Serve, visit: Visit) -> None:
    table = pd.DataFrame(CHANCE.normal(size=(200, 2)), columns=["same", "moved"])
    url = serve(KNeighborsClassifier().fit(table, table["same"] > 0))
    moved = table.assign(moved=table["moved"].max())
    ask(url, moved.to_dict("records") * 2)

    first, second = lines_of(visit(url))

    assert first[0] == "moved"
    assert first[3].endswith("far from training")
    assert (second[0], second[1]) == ("same", "none")
    assert float(second[3]) < 0.1


def test_300_features_stay_in_a_box_of_their_own(serve: Serve, visit: Visit) -> None:
    table = pd.DataFrame(CHANCE.normal(size=(40, 300)), columns=WIDE)
    url = serve(make_pipeline(StandardScaler(), LogisticRegression()).fit(table, [0, 1] * 20))
    ask(url, [{**dict.fromkeys(WIDE, 0.0), "measure 299": 99.0}])

    page = visit(url)

    lines = lines_of(page)
    assert len(lines) == 300
    assert lines[0][0] == "measure 299"
    box = page.locator("#asked .scroll").bounding_box()
    assert box is not None
    assert box["height"] < 500


def test_a_model_of_which_nothing_is_known_shows_none_of_it(serve: Serve, visit: Visit) -> None:
    table = pd.DataFrame(CHANCE.normal(size=(40, 2)), columns=["a", "b"])
    page = visit(serve(LinearRegression().fit(table, table["a"])))

    page.locator("#facts").scroll_into_view_if_needed()

    expect(page.locator("#figures")).to_contain_text("Requests answered")
    expect(page.locator("#asked")).to_be_hidden()
