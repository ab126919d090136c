from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from infer_cli.errors import UsageError
from infer_cli.packages.osv import NotTold, ask_osv, osv_url
from tests.osv_server import MIDDLING, WORST, Osv, advisory, osv_server

if TYPE_CHECKING:
    from collections.abc import Iterator

PINS = {"flask": "3.1.3", "numpy": "2.3.1", "werkzeug": "2.2.2"}
PUBLIC = "https://api.osv.dev"


@pytest.fixture
def osv() -> Iterator[Osv]:
    with osv_server() as server:
        yield server


def test_one_question_is_enough_where_nothing_is_known(osv: Osv) -> None:
    assert ask_osv(osv.url, PINS) == ()
    assert osv.asked == ["/v1/querybatch"]


def test_each_package_with_a_vulnerability_takes_another_question(osv: Osv) -> None:
    osv.advisories["werkzeug", "2.2.2"] = [
        advisory("GHSA-1", "werkzeug", {"fixed": "2.2.3"}, vector=MIDDLING),
        advisory("GHSA-2", "werkzeug", {"fixed": "3.0.1"}, vector=WORST),
    ]
    osv.advisories["flask", "3.1.3"] = [advisory("GHSA-3", "flask")]

    found = ask_osv(osv.url, PINS)

    assert [(one.package, one.version, one.id, one.fixed) for one in found] == [
        ("werkzeug", "2.2.2", "GHSA-2", "3.0.1"),
        ("flask", "3.1.3", "GHSA-3", None),
        ("werkzeug", "2.2.2", "GHSA-1", "2.2.3"),
    ]
    assert osv.asked == ["/v1/querybatch", "/v1/query", "/v1/query"]


def test_all_pages_are_read(osv: Osv) -> None:
    osv.page_size = 2
    osv.advisories["numpy", "2.3.1"] = [advisory(f"A-{number}", "numpy") for number in range(5)]

    assert [one.id for one in ask_osv(osv.url, PINS)] == [f"A-{number}" for number in range(5)]


def test_names_and_versions_are_asked_for_as_the_databases_have_them(osv: Osv) -> None:
    """A replacement has the code of what it replaces, and a local version is a build of the public one."""
    osv.advisories["xgboost", "2.1.4"] = [advisory("A-1", "xgboost", {"fixed": "3.0"}, vector=WORST)]
    osv.advisories["zope-interface", "7.0"] = [advisory("A-2", "zope.interface")]

    found = ask_osv(osv.url, {"xgboost-cpu": "2.1.4+cpu", "Zope.interface": "7.0"})

    assert [(one.package, one.version, one.id, one.fixed) for one in found] == [
        ("xgboost-cpu", "2.1.4+cpu", "A-1", "3.0"),
        ("Zope.interface", "7.0", "A-2", None),
    ]


@pytest.mark.parametrize(
    ("status", "answer", "why"),
    [
        pytest.param(503, b"{}", "answered 503 Service Unavailable", id="an error"),
        pytest.param(200, b"<html>log in</html>", "is not one of OSV's", id="a page"),
        pytest.param(200, b"[]", "is not one of OSV's", id="no object"),
        pytest.param(200, b"{}", "answered for 0 of 3 packages", id="no results"),
        pytest.param(200, b'{"results": [{}]}', "answered for 1 of 3 packages", id="too few results"),
        pytest.param(200, b'{"results": [{}, {}, 1]}', "is not one of OSV's", id="no result"),
        pytest.param(
            200, b'{"results": [{}, {}, {"vulns": [{"id": 1}]}], "vulns": [{}]}', "is not one of", id="no id"
        ),
        pytest.param(
            200,
            b'{"results": [{"next_page_token": "x"}, {}, {}], "next_page_token": "x"}',
            "has no end",
            id="no last page",
        ),
    ],
)
def test_an_answer_that_is_none_of_osv_tells_nothing(osv: Osv, status: int, answer: bytes, why: str) -> None:
    """A proxy that answers for the service must not look like a lock without vulnerabilities."""
    osv.status, osv.answer = status, answer

    with pytest.raises(NotTold, match=why):
        ask_osv(osv.url, PINS)


def test_a_service_that_is_not_there_tells_nothing() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"

        with pytest.raises(NotTold, match=r"cannot be reached \(Connection refused\)"):
            ask_osv(url, PINS)


def test_certificates_that_are_not_there_are_named(osv: Osv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")

    with pytest.raises(NotTold, match=r"/nowhere/ca\.pem"):
        ask_osv(osv.url.replace("http:", "https:"), PINS)


@pytest.mark.parametrize(
    ("value", "url"),
    [
        pytest.param("", PUBLIC, id="not set"),
        pytest.param("https://osv.example/", "https://osv.example", id="another one"),
        pytest.param("off", None, id="off"),
    ],
)
def test_the_address_is_the_users_choice(
    monkeypatch: pytest.MonkeyPatch, value: str, url: str | None
) -> None:
    monkeypatch.setenv("INFER_OSV_URL", value)

    assert osv_url() == url


def test_an_address_that_is_none_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFER_OSV_URL", "no")

    with pytest.raises(UsageError, match="INFER_OSV_URL is 'no', which is no address"):
        osv_url()


def test_the_public_service_knows_an_old_vulnerability() -> None:
    """It needs a way to the Internet, and is skipped without one."""
    try:
        found = ask_osv(PUBLIC, {"scikit-learn": "1.4.2", "threadpoolctl": "3.6.0"})
    except NotTold as error:
        pytest.skip(str(error))

    leak = next(one for one in found if "CVE-2024-5206" in one.aliases)
    assert (leak.package, leak.id, leak.severity, leak.fixed) == (
        "scikit-learn",
        "GHSA-jw8x-6495-233v",
        "medium",
        "1.5.0",
    )
