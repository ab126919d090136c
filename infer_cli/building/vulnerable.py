"""Lists the known vulnerabilities of the packages of an image, and refuses an image that has severe ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from packaging.version import Version

from infer_cli.errors import Vulnerable
from infer_cli.packages.version_sources import LOCKED, RECORDED, REQUIRED, SERVICE, TRACING
from infer_cli.terminal.command_line import given_command
from infer_cli.terminal.printable import printable
from infer_cli.terminal.units import age_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infer_cli.packages.audit import Audit
    from infer_cli.packages.vulnerabilities import Severity, Vulnerability
    from infer_cli.plan.build import BuildPlan


def describe_audit(audit: Audit) -> str:
    """The vulnerabilities as lines of text; empty if none is known."""
    if not audit.found:
        return ""
    packages = len({one.package for one in audit.found})
    head = (
        f"{packages} of {audit.packages} packages {'has' if packages == 1 else 'have'} known vulnerabilities:"
    )
    return "\n".join((head, *(f"  {_line(one)}" for one in audit.found)))


def not_known(audit: Audit) -> str | None:
    """One line that says why the vulnerabilities of today are not known; None if nobody wants to know."""
    if audit.problem is None or audit.is_off:
        return None
    if audit.asked_at is None:
        return f"Known vulnerabilities of the packages were not looked up: {audit.problem}"
    age = age_text(datetime.now(UTC) - audit.asked_at)
    return f"Known vulnerabilities of the packages are as of {age} ago: {audit.problem}"


def told_of(audit: Audit, plan: BuildPlan) -> Iterator[str]:
    """Lines for a person who gets the image or the plan: what is not known, and what is accepted in vain."""
    if line := not_known(audit):
        yield line
    if audit.found is not None:
        for name in plan.tolerance.unused(audit.found):
            yield f"--accept {name} is not needed: no package has this vulnerability"


def refuse_vulnerable(audit: Audit, plan: BuildPlan) -> None:
    """Raise `Vulnerable` if the plan does not tolerate a vulnerability, or if nothing is known today.

    A plan that tolerates all of them is never refused.
    """
    fail_on = plan.tolerance.fail_on
    if fail_on is None:
        return
    severe = plan.tolerance.refused(audit.found or ())
    if audit.problem is not None:
        error = Vulnerable(
            f"{plan.name} was not made, as the known vulnerabilities of its packages could not be looked up: "
            f"{audit.problem}",
            hint="build where the service can be reached that INFER_OSV_URL names, or without --fail-on",
        )
    elif severe:
        error = Vulnerable(
            f"{plan.name} was not made: {_counted(severe, fail_on)}",
            detail="\n".join(f"  {_line(one)}" for one in severe),
            hint=_advice(severe, plan.version_sources),
        )
    else:
        return
    error.audit = audit.as_dict()
    raise error


def _counted(severe: Sequence[Vulnerability], fail_on: Severity) -> str:
    packages = {one.package for one in severe}
    if len(severe) == 1:
        return f"1 known vulnerability of {severe[0].package} counts as {severe[0].counts_as}"
    of = next(iter(packages)) if len(packages) == 1 else f"{len(packages)} packages"
    count = fail_on if fail_on == "critical" else f"{fail_on} or worse"
    return f"{len(severe)} known vulnerabilities of {of} count as {count}"


def _line(one: Vulnerability) -> str:
    """The package, its version, the id, how severe it is, the first version without it, and what it is."""
    severity = one.severity or f"severity unknown, counts as {one.counts_as}"
    fixed = f"fixed in {one.fixed}" if one.fixed else "no version fixes it"
    aliases = [alias for alias in one.aliases if alias.startswith("CVE-")]
    also = f" ({', '.join(aliases)})" if aliases else ""
    summary = f": {printable(one.summary)}" if one.summary else ""
    return f"{one.package} {one.version}  {one.id}{also}, {severity}, {fixed}{summary}"


def _advice(severe: Sequence[Vulnerability], sources: Mapping[str, str]) -> str:
    """What to do about each package: which requirement to raise, and who can."""
    steps, raised = [], []
    for package in dict.fromkeys(one.package for one in severe):
        its = [one for one in severe if one.package == package]
        if unfixed := [one.id for one in its if one.fixed is None]:
            accept = [word for one in unfixed for word in ("--accept", one)]
            steps.append(
                f"no version of {package} fixes {', '.join(unfixed)}: do without the package, or find out "
                f"whether it concerns a service, and accept it: {given_command(*accept)}"
            )
        if not (fixes := [Version(one.fixed) for one in its if one.fixed]):
            continue
        wanted, source = f"{package}>={max(fixes)}", sources.get(package, "")
        if source == RECORDED:
            steps.append(f"train the model again with {wanted}: its file asks for {its[0].version}")
        elif source in (SERVICE, TRACING):
            steps.append(f"install a newer infer: this one needs {package} {its[0].version} for its service")
        elif source.startswith(REQUIRED):
            steps.append(f"raise {source} to {REQUIRED}'{wanted}'")
        elif source.startswith(LOCKED):
            lock = source.removeprefix(LOCKED)
            steps.append(f"remove the lock {lock} to have a new one made, with {REQUIRED}'{wanted}'")
        else:
            raised += ["--require", wanted]
    if raised:
        steps.insert(0, f"choose later versions: {given_command(*raised)}")
    return "\n".join(steps)
