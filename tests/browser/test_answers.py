"""The answer of each kind of model, and the curves of what moves it."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from tests.browser.conftest import ask_for_curves, expect_curves

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page, Request

    Serve = Callable[..., str]
    Visit = Callable[..., Page]

TABLE, KINDS = load_iris(return_X_y=True)


@pytest.mark.parametrize(
    ("model", "value", "below"),
    [
        pytest.param(
            make_pipeline(MinMaxScaler(), LinearRegression()).fit(TABLE[:, :3], TABLE[:, 3] * 1e6),
            r"[\d,]{7,9}",
            None,
            id="regressor",
        ),
        pytest.param(
            make_pipeline(MinMaxScaler(), LinearRegression()).fit(TABLE[:, :2], TABLE[:, 2:]),
            r"[\d.]+; [\d.]+",
            "output 2",
            id="regressor of several outputs",
        ),
        pytest.param(
            RandomForestClassifier(5, random_state=0).fit(TABLE, np.c_[KINDS, KINDS % 2]),
            r"\d, \d",
            "Output 2",
            id="classifier of several outputs",
        ),
        pytest.param(
            make_pipeline(StandardScaler(), PCA(2)).fit(TABLE), "2 numbers", "pca1", id="transformer"
        ),
        pytest.param(
            make_pipeline(StandardScaler(), KMeans(3, n_init=1)).fit(TABLE),
            r"Cluster \d",
            None,
            id="clusterer",
        ),
        pytest.param(
            make_pipeline(StandardScaler(), GaussianMixture(3, random_state=0)).fit(TABLE),
            r"Cluster \d",
            "Score",
            id="mixture",
        ),
        pytest.param(
            IsolationForest(n_estimators=9, random_state=0).fit(TABLE),
            "No outlier|Outlier",
            "Decision function",
            id="outlier detector",
        ),
        pytest.param(NearestNeighbors(n_neighbors=3).fit(TABLE), r"Row \d+", "Distance", id="neighbours"),
    ],
)
def test_the_answer_of_each_kind(
    model: Any,
    value: str,
    below: str | None,
    serve: Serve,
    visit: Visit,
    shortcomings: Callable[[Page], list[str]],
) -> None:
    page = visit(serve(model))

    expect(page.locator("#value")).to_have_text(re.compile(f"^({value})$"))
    if below is not None:
        expect(page.locator("#parts")).to_contain_text(below)
    assert shortcomings(page) == []


def test_a_number_is_rounded_and_the_exact_one_is_its_title(serve: Serve, visit: Visit) -> None:
    model = make_pipeline(MinMaxScaler(), LinearRegression()).fit(TABLE[:, :3], TABLE[:, 3])
    page = visit(serve(model))

    expect(page.locator("#value")).to_have_text(re.compile(r"^\d\.\d{1,3}$"))
    exact = page.locator("#value").get_attribute("title") or ""
    assert len(exact) > 8
    assert json.loads(page.locator("#json").text_content() or "") == {"predictions": [float(exact)]}


def is_curve(request: Request) -> bool:
    return request.method == "POST" and (request.post_data or "").startswith('{"rows"')


def test_one_request_draws_a_curve_for_each_feature(iris_model: Any, serve: Serve, visit: Visit) -> None:
    page = visit(serve(iris_model))
    expect_curves(page, 4)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if is_curve(request) else None)

    page.get_by_label("pwidth", exact=True).fill("2.5")

    expect(page.locator("#value")).to_have_text("virginica")
    expect_curves(page, 4)
    curve = page.locator(".field").filter(has_text="plength").get_by_role("img")
    expect(curve).to_have_accessible_name(
        re.compile(
            r"^As plength goes from 0.23 to 7.28, the probability of virginica goes from .+ % to .+ %\.$"
        )
    )
    assert len(asked) == 1
    rows = json.loads(asked[0].post_data or "")["rows"]
    heights = [
        float(point.split(",")[1])
        for line in page.locator(".curve .line").all()
        for point in (line.get_attribute("points") or "").split()
    ]
    names = [line.evaluate("line => line.closest('.field').querySelector('label').textContent")
             for line in page.locator(".curve .line").all()]  # fmt: skip
    assert names == ["slength", "swidth", "plength", "pwidth"]
    assert len(rows) == len(heights) == 100
    # A row names the varied feature last. The curve lies higher where the answer is larger.
    shares = iris_model.predict_proba(pd.DataFrame(rows)[names])[:, 2]
    assert np.corrcoef(heights, shares)[0, 1] == pytest.approx(-1, abs=0.01)


def test_categories_are_compared_as_well(many_kinds: Any, serve: Serve, visit: Visit) -> None:
    page = visit(serve(many_kinds))
    size = page.locator(".field").filter(has=page.locator("[name=size]")).get_by_role("img")

    size.scroll_into_view_if_needed()
    ask_for_curves(page, size.locator(".stem"))

    expect(size).to_have_accessible_name(
        re.compile(r"^The probability of (yes|no) by size: L: .+ %, M: .+ %, S: .+ %\.$")
    )


def test_of_300_columns_only_the_one_at_hand_is_drawn(wide_model: Any, serve: Serve, visit: Visit) -> None:
    page = visit(serve(wide_model))
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request) if is_curve(request) else None)

    page.get_by_label("sensor_007", exact=True).focus()

    expect_curves(page, 1)
    assert [len(json.loads(request.post_data or "")["rows"]) for request in asked] == [25]


def test_300_columns_are_found_by_their_names(
    wide_model: Any, serve: Serve, visit: Visit, shortcomings: Callable[[Page], list[str]]
) -> None:
    page = visit(serve(wide_model))
    expect(page.locator(".field:visible")).to_have_count(300)

    page.get_by_label("Find").fill("R_12")

    expect(page.locator(".field:visible")).to_have_count(10)
    assert shortcomings(page) == []
    page.get_by_label("Find").fill("nothing")
    expect(page.get_by_text("No feature has such a name.")).to_be_visible()


def test_a_slow_model_is_asked_for_curves_by_a_button(iris_model: Any, serve: Serve, visit: Visit) -> None:
    page = visit(serve(iris_model), is_ready=False)
    expect_curves(page, 4)

    def slow(route: Any) -> None:
        time.sleep(0.4)
        route.continue_()

    page.route("**/prediction", slow)
    page.get_by_label("pwidth", exact=True).fill("2.4")
    page.get_by_role("button", name="Draw curves").click()

    expect_curves(page, 4)


@pytest.mark.parametrize(
    ("kinds", "value"),
    [
        pytest.param(KINDS == 0, "true|false", id="booleans"),
        pytest.param(KINDS * 1.0, "[012]", id="floats"),
        pytest.param(np.array(["a_2", "b", "c d"])[KINDS], "a_2|b|c d", id="texts"),
    ],
)
def test_the_bar_of_the_predicted_class_is_told_from_the_others(
    kinds: Any, value: str, serve: Serve, visit: Visit
) -> None:
    page = visit(serve(make_pipeline(StandardScaler(), LogisticRegression()).fit(TABLE, kinds)))

    expect(page.locator("#value")).to_have_text(re.compile(f"^({value})$"))
    share = page.locator(".is-answer .bar-share").inner_text()
    expect(page.locator("#summary")).to_have_text(f"with a probability of {share}")
