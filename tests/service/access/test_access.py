from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.access.access import CLOSED, HEALTH, MISSING, WRONG, Access, scope_of
from service.access.hosts import HostCheck
from service.access.tokens import TokenFile
from tests.service.access.test_tokens import line

if TYPE_CHECKING:
    from pathlib import Path

LOAD = "/v2/repository/models/iris/load"


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    file = tmp_path / "tokens"
    file.write_text(
        line("ada", "predict", "p") + line("prometheus", "metrics", "m") + line("ops", "admin", "a")
    )
    return TokenFile(file)


def test_nothing_but_administration_is_closed_without_settings() -> None:
    access = Access()

    assert access.refusal("/prediction", host="evil.example") is None
    assert access.refusal("/metrics") is None
    assert access.refusal(LOAD) == CLOSED
    assert access.refusal(LOAD, is_inside=True) is None


@pytest.mark.parametrize("path", [*HEALTH, "/healthy"])
def test_probes_ask_for_health_under_any_name_and_without_a_token(path: str, tokens: TokenFile) -> None:
    access = Access(hosts=HostCheck(["iris"]), tokens=tokens, health_route="/healthy")

    assert access.refusal(path, host="10-0-0-1.pod.example") is None


@pytest.mark.parametrize("path", ["/", "/prediction", "/health/", "/readyz/../model", "", "/v2/health"])
def test_no_other_path_is_left_open(path: str, tokens: TokenFile) -> None:
    assert Access(hosts=HostCheck(["iris"])).refusal(path, host="evil.example") is not None
    assert Access(tokens=tokens).refusal(path) == MISSING


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic cDpw", "p", "Token p", "bearerp"])
def test_a_request_without_a_token_is_told_how_to_send_one(authorization: str, tokens: TokenFile) -> None:
    assert Access(tokens=tokens).refusal("/prediction", authorization=authorization) == MISSING


@pytest.mark.parametrize("authorization", ["Bearer ", "Bearer x", "Bearer p p", "Bearer Bearer p"])
def test_a_wrong_token_is_refused(authorization: str, tokens: TokenFile) -> None:
    assert Access(tokens=tokens).refusal("/prediction", authorization=authorization) == WRONG


@pytest.mark.parametrize("authorization", ["Bearer p", "bearer p", "BEARER  p "])
def test_a_token_opens_what_its_scope_is_for(authorization: str, tokens: TokenFile) -> None:
    access = Access(tokens=tokens)

    assert access.refusal("/prediction", authorization=authorization) is None
    for path, scope in (("/metrics", "metrics"), (LOAD, "admin")):
        refusal = access.refusal(path, authorization=authorization, is_inside=True)
        assert refusal is not None
        assert refusal.status == 403
        assert dict(refusal.headers)["WWW-Authenticate"].endswith(f'scope="{scope}"')


def test_another_name_is_refused_whatever_the_token(tokens: TokenFile) -> None:
    refusal = Access(hosts=HostCheck(["iris"]), tokens=tokens).refusal(
        "/prediction", host="evil.example", authorization="Bearer p"
    )

    assert refusal is not None
    assert refusal.status == 421


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        *(("/", "predict"), ("/prediction", "predict"), ("/model", "predict"), ("/docs", "predict")),
        *(("/openapi.json", "predict"), ("/v2/models/iris/infer", "predict"), ("/invocations", "predict")),
        *(("/v2/repository/index", "predict"), ("/nowhere", "predict")),
        *(("/metrics", "metrics"), ("/v2/models/stats", "metrics"), ("/v2/models/iris/stats", "metrics")),
        *((LOAD, "admin"), ("/v2/repository/models/iris/unload", "admin")),
    ],
)
def test_the_scope_of_each_path(path: str, scope: str) -> None:
    assert scope_of(path) == scope


def test_scripts_and_styles_are_open_but_not_a_path_for_predictions(tokens: TokenFile) -> None:
    access = Access(tokens=tokens, health_route="/docs/ask", predict_route="/docs/ask")

    assert access.refusal("/static/page.js") is None
    assert access.refusal("/docs/swagger-ui.css") is None
    assert access.refusal("/docs/ask") == MISSING
    assert access.refusal("/docs") == MISSING
