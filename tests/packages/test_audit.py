from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from infer_cli.packages.audit import Audit, begin_audit
from infer_cli.packages.vulnerabilities import Vulnerability
from tests.osv_server import WORST, Osv, advisory, osv_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PINS = {"flask": "3.1.3", "werkzeug": "2.2.2"}
FOUND = (
    Vulnerability(
        "werkzeug",
        "2.2.2",
        "GHSA-1",
        severity="critical",
        fixed="2.2.3",
        summary="werkzeug does what it should not",
    ),
)
LONG_S = 60.0


@pytest.fixture
def osv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Osv]:
    with osv_server() as server:
        server.advisories["werkzeug", "2.2.2"] = [
            advisory("GHSA-1", "werkzeug", {"fixed": "2.2.3"}, vector=WORST)
        ]
        monkeypatch.setenv("INFER_OSV_URL", server.url)
        monkeypatch.setenv("INFER_CACHE_DIR", str(tmp_path))
        yield server


def kept(folder: Path) -> Path:
    (file,) = folder.joinpath("audits").iterdir()
    return file


def make_older(file: Path, age: timedelta) -> None:
    record = json.loads(file.read_text())
    record["asked_at"] = (datetime.now(UTC) - age).isoformat()
    file.write_text(json.dumps(record))


def test_an_answer_is_kept_for_a_day(osv: Osv, tmp_path: Path) -> None:
    first = begin_audit(PINS).result(LONG_S)
    asked = list(osv.asked)
    second = begin_audit(PINS).result()

    assert (first.found, first.is_fresh, first.packages, first.problem) == (FOUND, True, 2, None)
    assert second == first
    assert osv.asked == asked

    make_older(kept(tmp_path), timedelta(hours=25))
    third = begin_audit(PINS).result(LONG_S)
    assert (third.is_fresh, len(osv.asked)) == (True, 2 * len(asked))


def test_other_packages_are_asked_for_anew(osv: Osv) -> None:
    assert begin_audit(PINS).result(LONG_S).found == FOUND
    assert begin_audit({**PINS, "werkzeug": "2.2.3"}).result(LONG_S).found == ()
    assert osv.asked.count("/v1/querybatch") == 2


def test_nobody_waits_for_a_service_that_does_not_answer(osv: Osv) -> None:
    osv.may_answer.clear()
    begun = begin_audit(PINS)

    assert begun.result() == Audit(2, problem=f"{osv.url} has not answered yet")
    assert begun.result(0.01).problem == f"{osv.url} has not answered within 0 seconds"

    osv.may_answer.set()
    assert begun.result(LONG_S).found == FOUND


def test_an_old_answer_is_better_than_none(osv: Osv, tmp_path: Path) -> None:
    begin_audit(PINS).result(LONG_S)
    make_older(kept(tmp_path), timedelta(days=3))
    osv.status = 500

    audit = begin_audit(PINS).result(LONG_S)

    assert (audit.found, audit.is_fresh) == (FOUND, False)
    assert audit.problem == f"{osv.url}/v1/querybatch answered 500 Internal Server Error"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="nothing"),
        pytest.param('{"form": 1, "asked_at": "2026-01-01", "found": [{"package": "a"}]}', id="half"),
        pytest.param('{"form": 0}', id="another form"),
        pytest.param("[]", id="no object"),
    ],
)
def test_a_kept_answer_that_cannot_be_read_is_asked_for_anew(osv: Osv, tmp_path: Path, content: str) -> None:
    begin_audit(PINS).result(LONG_S)
    kept(tmp_path).write_text(content)

    assert begin_audit(PINS).result(LONG_S).found == FOUND
    assert osv.asked.count("/v1/querybatch") == 2


def test_a_time_to_come_is_no_fresh_one(osv: Osv, tmp_path: Path) -> None:
    begin_audit(PINS).result(LONG_S)
    make_older(kept(tmp_path), -timedelta(days=300))
    osv.status = 500

    assert not begin_audit(PINS).result(LONG_S).is_fresh


def test_a_folder_that_cannot_be_written_does_no_harm(osv: Osv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFER_CACHE_DIR", os.devnull)

    assert begin_audit(PINS).result(LONG_S).found == FOUND
    assert osv.asked


def test_nothing_is_asked_where_nobody_wants_to_know(osv: Osv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFER_OSV_URL", "off")

    audit = begin_audit(PINS).result(LONG_S)

    assert (audit.is_off, audit.found, osv.asked) == (True, None, [])


def test_the_audit_as_json(osv: Osv) -> None:
    record = begin_audit(PINS).result(LONG_S).as_dict()

    assert osv.url
    assert datetime.fromisoformat(str(record.pop("asked_at"))).tzinfo is not None
    assert record == {
        "packages": 2,
        "problem": None,
        "found": [
            {
                "package": "werkzeug",
                "version": "2.2.2",
                "id": "GHSA-1",
                "aliases": [],
                "severity": "critical",
                "counts_as": "critical",
                "fixed": "2.2.3",
                "summary": "werkzeug does what it should not",
            }
        ],
    }
