from __future__ import annotations

import pytest

from service.access.origins import Origins

APP = "https://app.example"


def test_a_page_of_an_allowed_origin_may_read_answers() -> None:
    origins = Origins([f"{APP}/", "http://localhost:3000"])

    headers = dict(origins.headers(APP))

    assert headers["Access-Control-Allow-Origin"] == APP
    assert headers["Vary"] == "Origin"
    assert "Retry-After" in headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    "origin",
    ["", "null", "http://app.example", f"{APP}.evil.example", f"{APP}:8443", "https://app.example.", "*"],
)
def test_no_other_page_may(origin: str) -> None:
    origins = Origins([APP])

    assert not origins.allows(origin)
    # A cache must not give it an answer for the allowed origin.
    assert origins.headers(origin) == (("Vary", "Origin"),)


def test_any_page_may_where_that_is_said() -> None:
    headers = dict(Origins(["*"]).headers("https://anywhere.example"))

    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Vary" not in headers
    assert Origins(["*"]).headers("") == ()


def test_a_browser_is_told_what_a_page_may_send() -> None:
    found = dict(
        Origins([APP]).preflight("GET, POST", headers="authorization, content-type", is_private=True)
    )

    assert found == {
        "Access-Control-Allow-Methods": "GET, POST",
        "Access-Control-Allow-Headers": "authorization, content-type",
        "Access-Control-Max-Age": "600",
        "Access-Control-Allow-Private-Network": "true",
    }


@pytest.mark.parametrize("headers", ["", "a\r\nSet-Cookie: b", "a: b", 2000 * "a"])
def test_what_are_no_names_of_headers_is_not_sent_back(headers: str) -> None:
    found = Origins([APP]).preflight("GET", headers=headers, is_private=False)

    assert [name for name, _ in found] == ["Access-Control-Allow-Methods", "Access-Control-Max-Age"]
