from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from infer_cli.building.vulnerable import describe_audit, not_known, refuse_vulnerable
from infer_cli.errors import Vulnerable
from infer_cli.image.base import BaseImage
from infer_cli.image.name import ImageName
from infer_cli.packages.audit import Audit
from infer_cli.packages.lock import Lock
from infer_cli.packages.vulnerabilities import Tolerance, Vulnerability
from infer_cli.plan.build import BuildPlan
from infer_cli.plan.context import Context
from infer_cli.terminal.command_line import remember

if TYPE_CHECKING:
    from infer_cli.packages.vulnerabilities import Severity

PLAN = BuildPlan(
    name=ImageName.parse("iris:v1"),
    base=BaseImage("python:3.11-slim", "3.11", "amd64"),
    lock=Lock(""),
    dockerfile="",
    context=Context(()),
    labels={},
    sbom="",
)
SEVERE = Vulnerability(
    "werkzeug", "2.2.2", "GHSA-1", ("CVE-2023-1", "PYSEC-2023-5"), "high", "2.2.3", "it\x1b[2J leaks"
)
UNJUDGED = Vulnerability("numpy", "2.3.1", "PYSEC-2026-9")
SLIGHT = Vulnerability("flask", "3.1.3", "GHSA-2", severity="low", fixed="3.2")


def audit(*found: Vulnerability, age: timedelta = timedelta(), problem: str | None = None) -> Audit:
    return Audit(25, found, datetime.now(UTC) - age, problem)


def refused(known: Audit, fail_on: Severity, **sources: str) -> Vulnerable:
    with pytest.raises(Vulnerable) as raised:
        refuse_vulnerable(known, replace(PLAN, version_sources=sources, tolerance=Tolerance(fail_on)))
    return raised.value


def test_each_vulnerability_is_a_line() -> None:
    assert describe_audit(audit(SEVERE, UNJUDGED)) == (
        "2 of 25 packages have known vulnerabilities:\n"
        "  werkzeug 2.2.2  GHSA-1 (CVE-2023-1), high, fixed in 2.2.3: it\\x1b[2J leaks\n"
        "  numpy 2.3.1  PYSEC-2026-9, severity unknown, counts as high, no version fixes it"
    )
    assert describe_audit(audit(SEVERE)).startswith("1 of 25 packages has known vulnerabilities:\n")


def test_nothing_is_said_where_none_is_known() -> None:
    assert describe_audit(audit()) == ""
    assert not_known(audit()) is None


@pytest.mark.parametrize(
    ("known", "line"),
    [
        pytest.param(
            Audit(25, problem="the service is away"),
            "Known vulnerabilities of the packages were not looked up: the service is away",
            id="nothing",
        ),
        pytest.param(
            audit(age=timedelta(days=3), problem="the service is away"),
            "Known vulnerabilities of the packages are as of 3 d ago: the service is away",
            id="an old answer",
        ),
        pytest.param(Audit(25, problem="INFER_OSV_URL is off"), None, id="not wanted"),
    ],
)
def test_one_line_says_that_they_are_not_known(known: Audit, line: str | None) -> None:
    assert not_known(known) == line


@pytest.mark.parametrize(
    ("fail_on", "ids"),
    [
        pytest.param("low", ["GHSA-1", "PYSEC-2026-9", "GHSA-2"], id="low"),
        pytest.param("medium", ["GHSA-1", "PYSEC-2026-9"], id="medium"),
        pytest.param("high", ["GHSA-1", "PYSEC-2026-9"], id="high"),
    ],
)
def test_an_image_is_refused_for_what_is_as_severe_or_worse(fail_on: Severity, ids: list[str]) -> None:
    error = refused(audit(SEVERE, UNJUDGED, SLIGHT), fail_on)

    assert [line.split()[2].strip(",") for line in str(error.detail).splitlines()] == ids


def test_what_is_less_severe_is_let_through() -> None:
    refuse_vulnerable(audit(SEVERE, UNJUDGED, SLIGHT), replace(PLAN, tolerance=Tolerance("critical")))
    refuse_vulnerable(audit(SEVERE, UNJUDGED, SLIGHT), PLAN)


def test_what_is_accepted_is_let_through() -> None:
    tolerance = Tolerance("low", ("cve-2023-1", "PYSEC-2026-9"))

    assert tolerance.refused((SEVERE, UNJUDGED, SLIGHT)) == (SLIGHT,)
    refuse_vulnerable(audit(SEVERE, UNJUDGED), replace(PLAN, tolerance=tolerance))


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(Audit(25, problem="the service is away"), id="nothing"),
        pytest.param(audit(age=timedelta(days=3), problem="the service is away"), id="an old answer"),
        pytest.param(audit(SEVERE, age=timedelta(days=3), problem="the service is away"), id="an old one"),
    ],
)
def test_an_image_of_which_nothing_is_known_today_is_refused(known: Audit) -> None:
    error = refused(known, "critical")

    assert error.message == (
        "iris:v1 was not made, as the known vulnerabilities of its packages could not be looked up: "
        "the service is away"
    )
    assert (
        error.hint == "build where the service can be reached that INFER_OSV_URL names, or without --fail-on"
    )
    assert error.as_dict()["vulnerabilities"] == known.as_dict()


def test_the_error_names_what_is_wrong() -> None:
    error = refused(audit(SEVERE), "high")

    assert error.message == "iris:v1 was not made: 1 known vulnerability of werkzeug counts as high"
    assert error.detail == ("  werkzeug 2.2.2  GHSA-1 (CVE-2023-1), high, fixed in 2.2.3: it\\x1b[2J leaks")


@pytest.mark.parametrize(
    ("found", "fail_on", "message"),
    [
        pytest.param(
            (SEVERE, replace(SEVERE, id="GHSA-3")),
            "medium",
            "2 known vulnerabilities of werkzeug count as medium or worse",
            id="of one package",
        ),
        pytest.param(
            (SEVERE, UNJUDGED),
            "high",
            "2 known vulnerabilities of 2 packages count as high or worse",
            id="of two",
        ),
        pytest.param(
            (replace(SEVERE, severity="critical"), replace(UNJUDGED, severity="critical")),
            "critical",
            "2 known vulnerabilities of 2 packages count as critical",
            id="critical",
        ),
    ],
)
def test_the_error_counts_what_is_wrong(
    found: tuple[Vulnerability, ...], fail_on: Severity, message: str
) -> None:
    assert refused(audit(*found), fail_on).message == f"iris:v1 was not made: {message}"


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        pytest.param(
            "newest that fits",
            "choose later versions: infer build data --require 'werkzeug>=2.2.10'",
            id="newest",
        ),
        pytest.param(
            "the current environment",
            "choose later versions: infer build data --require 'werkzeug>=2.2.10'",
            id="environment",
        ),
        pytest.param(
            "recorded in the file",
            "train the model again with werkzeug>=2.2.10: its file asks for 2.2.2",
            id="recorded",
        ),
        pytest.param(
            "needed by the service",
            "install a newer infer: this one needs werkzeug 2.2.2 for its service",
            id="the service",
        ),
        pytest.param(
            "--require werkzeug<3",
            "raise --require werkzeug<3 to --require 'werkzeug>=2.2.10'",
            id="required",
        ),
        pytest.param(
            "--lock l.txt",
            "remove the lock l.txt to have a new one made, with --require 'werkzeug>=2.2.10'",
            id="locked",
        ),
    ],
)
def test_the_hint_says_which_requirement_to_raise(source: str, hint: str) -> None:
    """The last of the fixes is wanted: 2.2.10 is later than 2.2.3."""
    remember(["build", "data"])

    error = refused(audit(SEVERE, replace(SEVERE, id="GHSA-3", fixed="2.2.10")), "high", werkzeug=source)

    assert error.hint == hint


def test_the_hint_says_where_there_is_nothing_to_raise() -> None:
    remember(["build"])

    error = refused(audit(SEVERE, replace(UNJUDGED, id="PYSEC-2026-8"), UNJUDGED), "high")

    first, second = str(error.hint).splitlines()
    assert first == "choose later versions: infer build --require 'werkzeug>=2.2.3'"
    assert second == (
        "no version of numpy fixes PYSEC-2026-8, PYSEC-2026-9: do without the package, or find out whether "
        "it concerns a service, and accept it: infer build --accept PYSEC-2026-8 --accept PYSEC-2026-9"
    )
