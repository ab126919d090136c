from __future__ import annotations

from typing import Any

import pytest

from infer_cli.packages.vulnerabilities import NotAnAdvisory, Vulnerability, read_advisories
from tests.osv_server import MIDDLING, SLIGHT, WORST, advisory


def read(*records: Any, package: str = "werkzeug", version: str = "2.2.2") -> tuple[Vulnerability, ...]:
    return read_advisories(package, version, records)


def test_an_advisory_tells_what_is_wrong_and_which_version_is_not() -> None:
    record = advisory("GHSA-1", "Werkzeug", {"fixed": "2.2.3"}, vector=MIDDLING, aliases=["CVE-2023-1"])

    assert read(record) == (
        Vulnerability(
            "werkzeug",
            "2.2.2",
            "GHSA-1",
            aliases=("CVE-2023-1",),
            severity="medium",
            fixed="2.2.3",
            summary="Werkzeug does what it should not",
        ),
    )


def test_advisories_of_several_databases_for_the_same_are_one() -> None:
    found = read(
        advisory("PYSEC-2023-5", "werkzeug", {"fixed": "2.2.4"}, vector=WORST, aliases=["CVE-2023-1"]),
        advisory("PYSEC-2023-9", "werkzeug", {"fixed": "2.3"}),
        advisory("GHSA-1", "werkzeug", {"fixed": "2.2.3"}, vector=MIDDLING, aliases=["CVE-2023-2"]),
        advisory("OSV-2023-1", "werkzeug", aliases=["CVE-2023-2", "CVE-2023-1"]),
    )

    assert [(one.id, one.aliases, one.severity, one.fixed) for one in found] == [
        ("GHSA-1", ("CVE-2023-1", "CVE-2023-2", "OSV-2023-1", "PYSEC-2023-5"), "critical", "2.2.4"),
        ("PYSEC-2023-9", (), None, "2.3"),
    ]


@pytest.mark.parametrize(
    ("record", "severity"),
    [
        pytest.param(advisory("A-1", "p", vector=WORST), "critical", id="CVSS 3.1"),
        pytest.param(advisory("A-1", "p", vector=MIDDLING), "medium", id="CVSS 3.0"),
        pytest.param(advisory("A-1", "p", vector=SLIGHT), "low", id="CVSS 4.0"),
        pytest.param(
            advisory("A-1", "p", severity=[{"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:P/I:P/A:P"}]),
            "high",
            id="CVSS 2",
        ),
        pytest.param(
            advisory("A-1", "p", vector="CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"), "low", id="no harm"
        ),
        pytest.param(advisory("A-1", "p", database_specific={"severity": "MODERATE"}), "medium", id="a word"),
        pytest.param(
            advisory("A-1", "p", vector=MIDDLING, database_specific={"severity": "HIGH"}),
            "high",
            id="the worse of two",
        ),
        pytest.param(advisory("MAL-2026-1", "p"), "critical", id="made to do harm"),
        pytest.param(advisory("A-1", "p"), None, id="nothing"),
        pytest.param(advisory("A-1", "p", vector="CVSS:3.1/AV:?"), None, id="a broken vector"),
        pytest.param(advisory("A-1", "p", vector="CVSS:9.0/AV:N"), None, id="a later version of CVSS"),
        pytest.param(
            advisory("A-1", "p", severity=[{"type": "Ubuntu", "score": "medium"}]), None, id="another scale"
        ),
    ],
)
def test_the_severity_is_what_the_databases_tell(record: Any, severity: str | None) -> None:
    (found,) = read(record, package="p", version="1")

    assert found.severity == severity


def test_what_nobody_has_judged_counts_as_high() -> None:
    unjudged = Vulnerability("p", "1", "A-1")

    assert (unjudged.counts_as, unjudged.is_at_least("high"), unjudged.is_at_least("critical")) == (
        "high",
        True,
        False,
    )


@pytest.mark.parametrize(
    ("events", "fixed"),
    [
        pytest.param([{"fixed": "2.2.3"}], "2.2.3", id="fixed"),
        pytest.param([{"last_affected": "2.4"}], None, id="not fixed"),
        pytest.param(
            [
                {"fixed": "1.5"},
                {"introduced": "2.0"},
                {"fixed": "2.2.10"},
                {"introduced": "3.0"},
                {"fixed": "3.1"},
            ],
            "2.2.10",
            id="several branches",
        ),
        pytest.param([{"fixed": "a commit"}], None, id="no version"),
    ],
)
def test_the_fix_is_the_first_later_version_that_no_range_holds(events: list[Any], fixed: str | None) -> None:
    (found,) = read(advisory("A-1", "werkzeug", *events))

    assert found.fixed == fixed


def test_a_fix_that_another_range_holds_is_none() -> None:
    record = advisory("A-1", "werkzeug", {"fixed": "2.3"})
    record["affected"][0]["ranges"].append(
        {"type": "ECOSYSTEM", "events": [{"introduced": "2.2.5"}, {"last_affected": "2.9"}, {"fixed": "3.0"}]}
    )

    assert read(record)[0].fixed == "3.0"


def test_ranges_of_commits_and_of_other_packages_tell_no_version() -> None:
    record = advisory("A-1", "werkzeug", {"fixed": "2.2.3"})
    record["affected"][0]["ranges"][0]["type"] = "GIT"
    other = advisory("A-1", "other", {"fixed": "9.0"}, vector=WORST)["affected"]
    npm = advisory("A-1", "werkzeug", {"fixed": "8.0"})["affected"]
    npm[0]["package"]["ecosystem"] = "npm"
    record["affected"] += [*other, *npm]

    assert read(record)[0].fixed is None


def test_withdrawn_advisories_do_not_count() -> None:
    assert read(advisory("A-1", "werkzeug", withdrawn="2026-03-14T05:47:39Z")) == ()


def test_the_worst_comes_first() -> None:
    found = read(
        advisory("A-1", "werkzeug", vector=SLIGHT),
        advisory("A-2", "werkzeug"),
        advisory("A-3", "werkzeug", vector=WORST),
    )

    assert [one.id for one in found] == ["A-3", "A-2", "A-1"]


@pytest.mark.parametrize(
    "record",
    [
        pytest.param("text", id="no object"),
        pytest.param({}, id="no id"),
        pytest.param({"id": "\x1b[2J"}, id="an id that is none"),
        pytest.param({"id": "A-1", "aliases": "CVE-1"}, id="no list"),
        pytest.param({"id": "A-1", "affected": [1]}, id="no package"),
    ],
)
def test_what_is_no_advisory_is_not_passed_over(record: Any) -> None:
    with pytest.raises(NotAnAdvisory):
        read(record)
