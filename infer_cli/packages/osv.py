"""Asks OSV, the open database of vulnerabilities, for what is known of packages.

PyPI's own JSON API copies its advisories from OSV, without their severity; it wants a request for each
package, and mirrors of PyPI lack it.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from infer_cli.errors import UsageError
from infer_cli.packages.omissions import drop_in_replacement, package_name
from infer_cli.packages.vulnerabilities import NotAnAdvisory, Vulnerability, read_advisories, worst_first

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import requests

OSV_VARIABLE = "INFER_OSV_URL"
_DEFAULT_URL = "https://api.osv.dev"
_OFF = "off"
# For each step: to be connected, and to get the next bytes.
_STEP_S = 10.0
# Much more than all advisories for any one package.
_LARGEST_ANSWER = 64 * 1024 * 1024
# An answer of so many pages is none that ends.
_MOST_PAGES = 20


class NotTold(Exception):
    """The service did not answer, or not as OSV does; the message completes "… were not looked up: "."""


def osv_url() -> str | None:
    """The address of the service, or None if it is not to be asked; raises `UsageError`."""
    url = (os.environ.get(OSV_VARIABLE) or _DEFAULT_URL).rstrip("/")
    if url.lower() == _OFF:
        return None
    if not url.startswith(("https://", "http://")):
        message = f"{OSV_VARIABLE} is {url!r}, which is no address"
        raise UsageError(message, hint=f"set it to https://…, or to `{_OFF}` to ask no service")
    return url


def ask_osv(url: str, pins: Mapping[str, str]) -> tuple[Vulnerability, ...]:
    """The known vulnerabilities of packages, given as versions by name, the worst first; raises `NotTold`.

    One question names all packages; each package with a vulnerability takes another one.
    """
    import requests  # noqa: PLC0415 (slow to import)

    names = {package: _names(package) for package in pins}
    asked = [(package, name) for package, known_as in names.items() for name in known_as]
    with requests.Session() as session:
        _trust_as_uv_does(session)
        try:
            queries = [_query(name, pins[package]) for package, name in asked]
            results = _list(_ask(session, f"{url}/v1/querybatch", {"queries": queries}).get("results"))
            if len(results) != len(asked):
                raise NotTold(f"{url} answered for {len(results)} of {len(asked)} packages")
            records: dict[str, list[object]] = {}
            for (package, name), result in zip(asked, results, strict=True):
                if _object(result).get("vulns") or _object(result).get("next_page_token"):
                    records.setdefault(package, []).extend(_advisories(session, url, name, pins[package]))
            found = [
                one
                for package, its in records.items()
                for one in read_advisories(package, pins[package], its, names=names[package])
            ]
        except NotAnAdvisory as error:
            raise NotTold(f"the answer of {url} is not one of OSV's: {error}") from error
    return worst_first(found)


def _names(package: str) -> tuple[str, ...]:
    """The names under which advisories may lie: a replacement has the code of what it replaces."""
    own = package_name(package)
    other = drop_in_replacement(own)
    return (own, other) if other else (own,)


def _query(name: str, version: str) -> dict[str, object]:
    """A question for one package. A local version, such as 2.0+cpu, is a build of the public one."""
    try:
        public = Version(version).public
    except InvalidVersion:
        public = version
    return {"package": {"name": name, "ecosystem": "PyPI"}, "version": public}


def _advisories(session: requests.Session, url: str, name: str, version: str) -> list[object]:
    """All advisories for a version of a package."""
    query = _query(name, version)
    found: list[object] = []
    for _ in range(_MOST_PAGES):
        page = _ask(session, f"{url}/v1/query", query)
        found += _list(page.get("vulns"))
        if not (token := page.get("next_page_token")):
            return found
        query = {**query, "page_token": token}
    raise NotTold(f"the answer of {url} for {name} has no end")


def _ask(session: requests.Session, url: str, question: Mapping[str, object]) -> Mapping[str, object]:
    """The JSON object that the service answers."""
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 (slow to import)

    # Errors of requests are `OSError`s.
    try:
        with session.post(url, json=question, timeout=_STEP_S, stream=True) as answer:
            body = answer.raw.read(_LARGEST_ANSWER + 1, decode_content=True)
    except (OSError, HTTPError) as error:
        raise NotTold(f"{url} cannot be reached ({_reason(error)})") from error
    if not answer.ok:
        raise NotTold(f"{url} answered {answer.status_code} {answer.reason}")
    if len(body) > _LARGEST_ANSWER:
        raise NotTold(f"the answer of {url} is larger than {_LARGEST_ANSWER} bytes")
    try:
        return _object(json.loads(body))
    except ValueError as error:
        raise NotTold(f"the answer of {url} is not one of OSV's: {error}") from error


def _reason(error: BaseException) -> str:
    """The innermost cause, in its own words: the errors around it repeat it, with addresses in memory."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _trust_as_uv_does(session: requests.Session) -> None:
    """Trust the certificates that the user names for uv; requests' own variables, if set, come first."""
    if named := os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR"):
        session.verify = named


def _object(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise NotAnAdvisory(f"{value!r:.40} is no object")
    return value


def _list(value: object) -> Sequence[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise NotAnAdvisory(f"{value!r:.40} is no list")
    return value
