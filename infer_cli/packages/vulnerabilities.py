"""Known vulnerabilities of packages, read from advisories in the OSV format (https://ossf.github.io/osv-schema).

Several databases describe the same vulnerability, each under an id of its own: their advisories are one here.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, get_args

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
# What nobody has judged may be anything; only what was judged less may pass for less.
UNJUDGED: Severity = "high"

# GitHub's advisories name the severity in a word of their own besides the CVSS vector.
_WORDS: dict[str, Severity] = {
    "LOW": "low",
    "MODERATE": "medium",
    "MEDIUM": "medium",
    "HIGH": "high",
    "CRITICAL": "critical",
}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,79}")
# The databases whose ids are shown first. GitHub's have a severity; PYSEC is Python's own database.
_SHOWN_FIRST = ("GHSA-", "PYSEC-")
# Packages that were made to do harm, by https://github.com/ossf/malicious-packages; they have no CVSS vector.
_MALICIOUS = "MAL-"


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """A known vulnerability of a package in the lock.

    `severity` is None if no database has judged it. `fixed` is the first later version without it, or None.
    The field names are keys of `infer build --json`.
    """

    package: str
    version: str
    id: str
    aliases: tuple[str, ...] = ()
    severity: Severity | None = None
    fixed: str | None = None
    summary: str = ""

    def __post_init__(self) -> None:
        if self.severity not in (None, *SEVERITIES):
            raise ValueError(f"{self.severity!r} is no severity")
        # A file of JSON has lists.
        object.__setattr__(self, "aliases", tuple(self.aliases))

    @property
    def counts_as(self) -> Severity:
        """The severity, or the one that stands for an unknown one."""
        return self.severity or UNJUDGED

    def is_at_least(self, severity: Severity) -> bool:
        """Whether it counts as severe as this, or more."""
        return SEVERITIES.index(self.counts_as) >= SEVERITIES.index(severity)

    def as_dict(self) -> dict[str, object]:
        """The fields, and `counts_as`, as a JSON object."""
        return {**asdict(self), "aliases": list(self.aliases), "counts_as": self.counts_as}


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The known vulnerabilities that an image may have: those less severe than `fail_on`, and some others.

    The `accepted` are ids, or other names of the same vulnerability such as its CVE. Without `fail_on`, an
    image may have any.
    """

    fail_on: Severity | None = None
    accepted: tuple[str, ...] = ()

    def refused(self, found: Iterable[Vulnerability]) -> tuple[Vulnerability, ...]:
        """Those that an image may not have."""
        if self.fail_on is None:
            return ()
        return tuple(one for one in found if one.is_at_least(self.fail_on) and not _named(one, self.accepted))

    def unused(self, found: Iterable[Vulnerability]) -> tuple[str, ...]:
        """The accepted names that none of the vulnerabilities has."""
        every = tuple(found)
        return tuple(name for name in self.accepted if not any(_named(one, (name,)) for one in every))


def _named(one: Vulnerability, names: Iterable[str]) -> bool:
    known = {name.casefold() for name in (one.id, *one.aliases)}
    return any(name.casefold() in known for name in names)


class NotAnAdvisory(ValueError):
    """A record has not the form that OSV describes."""


def read_advisories(
    package: str, version: str, records: Iterable[object], *, names: Sequence[str] = ()
) -> tuple[Vulnerability, ...]:
    """The vulnerabilities that advisories for a package describe, the most severe first.

    `names` are the names under which the databases know the package, if not its own. Withdrawn advisories do
    not count. Raises `NotAnAdvisory`.
    """
    known_as: set[str] = {canonicalize_name(name) for name in names or (package,)}
    advisories = [_Advisory(record, known_as, version) for record in records]
    groups: list[list[_Advisory]] = []
    for advisory in advisories:
        if advisory.is_withdrawn:
            continue
        same = [group for group in groups if any(advisory.ids & other.ids for other in group)]
        groups = [group for group in groups if group not in same]
        groups.append([advisory, *(other for group in same for other in group)])
    found = [_merged(package, version, group) for group in groups]
    return worst_first(found)


def worst_first(found: Iterable[Vulnerability]) -> tuple[Vulnerability, ...]:
    """The vulnerabilities, the most severe first, then by package and id."""
    return tuple(sorted(found, key=_order))


def _order(one: Vulnerability) -> tuple[int, str, str]:
    return -SEVERITIES.index(one.counts_as), one.package, one.id


def _merged(package: str, version: str, group: list[_Advisory]) -> Vulnerability:
    """One vulnerability of all advisories for it: of several severities the worst, of fixes the last."""
    group = sorted(group, key=lambda advisory: (_rank(advisory.id), advisory.id))
    shown = group[0].id
    severities = [advisory.severity for advisory in group if advisory.severity]
    fixes = [advisory.fixed for advisory in group if advisory.fixed]
    return Vulnerability(
        package,
        version,
        shown,
        aliases=tuple(sorted(set().union(*(advisory.ids for advisory in group)) - {shown})),
        severity=max(severities, key=SEVERITIES.index, default=None),
        fixed=str(max(fixes)) if fixes else None,
        summary=next((advisory.summary for advisory in group if advisory.summary), ""),
    )


def _rank(identity: str) -> int:
    ranks = (rank for rank, prefix in enumerate(_SHOWN_FIRST) if identity.startswith(prefix))
    return next(ranks, len(_SHOWN_FIRST))


class _Advisory:
    """What counts of one record, for one package and version."""

    def __init__(self, record: object, known_as: set[str], version: str) -> None:
        whole = _mapping(record)
        self.id = _identity(whole.get("id"))
        self.ids = {self.id, *map(_identity, _list(whole.get("aliases")))}
        self.is_withdrawn = bool(whole.get("withdrawn"))
        self.summary = " ".join(str(whole.get("summary") or "").split())
        affected = [
            one
            for one in map(_mapping, _list(whole.get("affected")))
            if canonicalize_name(str(_mapping(one.get("package")).get("name"))) in known_as
            and _mapping(one.get("package")).get("ecosystem") == "PyPI"
        ]
        self.severity = _severity(self.id, whole, affected)
        self.fixed = _first_fix(affected, version)


def _severity(
    identity: str, record: Mapping[str, object], affected: list[Mapping[str, object]]
) -> Severity | None:
    """The worst severity that an advisory tells: in its CVSS vectors, or in a word."""
    if identity.startswith(_MALICIOUS):
        return "critical"
    found: list[Severity] = []
    for part in (record, *affected):
        vectors = [_mapping(one).get("score") for one in _list(part.get("severity"))]
        found += [severity for vector in vectors if (severity := _cvss_severity(str(vector)))]
    for specific in (record.get("database_specific"), *(one.get("database_specific") for one in affected)):
        word = _mapping(specific).get("severity")
        if isinstance(word, str) and word.upper() in _WORDS:
            found.append(_WORDS[word.upper()])
    return max(found, key=SEVERITIES.index, default=None)


def _cvss_severity(vector: str) -> Severity | None:
    """The severity of a CVSS vector of version 2, 3 or 4; None for what is no such vector."""
    from cvss import CVSS2, CVSS3, CVSS4, CVSSError  # noqa: PLC0415 (only for a package with a vulnerability)

    kind = {"CVSS:3": CVSS3, "CVSS:4": CVSS4}.get(vector[:6], CVSS2)
    try:
        word = str(kind(vector).severities()[0])
    except CVSSError:
        return None
    # A score of 0 is called "None".
    return _WORDS.get(word.upper(), "low")


def _first_fix(affected: list[Mapping[str, object]], version: str) -> Version | None:
    """The first version after this one that no range of the advisory holds, if one is named as a fix."""
    ranges = [
        [_mapping(event) for event in _list(_mapping(one).get("events"))]
        for part in affected
        for one in _list(part.get("ranges"))
        if _mapping(one).get("type") in ("ECOSYSTEM", "SEMVER")
    ]
    own = _version(version)
    fixes = {fix for events in ranges for event in events if (fix := _version(event.get("fixed")))}
    later = sorted(fix for fix in fixes if own is None or fix > own)
    return next((fix for fix in later if not any(_holds(events, fix) for events in ranges)), None)


def _holds(events: list[Mapping[str, object]], version: Version) -> bool:
    """Whether a version lies in a range, which its events describe."""
    is_inside = False
    for at, kind in sorted(_marks(events)):
        if kind == "introduced" and version >= at:
            is_inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            is_inside = False
    return is_inside


def _marks(events: list[Mapping[str, object]]) -> Iterator[tuple[Version, str]]:
    for event in events:
        for kind in ("introduced", "fixed", "last_affected"):
            # The version "0" stands for the beginning, before every other one.
            at = Version("0.dev0") if event.get(kind) == "0" else _version(event.get(kind))
            if at is not None:
                yield at, kind


def _version(text: object) -> Version | None:
    try:
        return Version(str(text))
    except InvalidVersion:
        return None


def _identity(value: object) -> str:
    """An id, which is printed and named in links; raises `NotAnAdvisory` for anything else."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise NotAnAdvisory(f"{value!r} is no id")
    return value


def _mapping(value: object) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise NotAnAdvisory(f"{value!r} is no object")
    return value


def _list(value: object) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise NotAnAdvisory(f"{value!r} is no list")
    return value
