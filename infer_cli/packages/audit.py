"""The audit of a lock: its known vulnerabilities, looked up beside other work, once a day for each lock."""

from __future__ import annotations

import hashlib
import json
import tempfile
import threading
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from infer_cli.cache import cache_folder
from infer_cli.packages.osv import OSV_VARIABLE, NotTold, ask_osv, osv_url
from infer_cli.packages.vulnerabilities import Vulnerability

if TYPE_CHECKING:
    from collections.abc import Mapping

# How long an answer counts. Advisories come every day.
FRESH = timedelta(hours=24)
# How long those wait who want no image without an answer.
LONGEST_WAIT_S = 20.0
# Of the form in which answers are kept: an answer of another form is not read.
_FORM = 1
_IS_OFF = f"{OSV_VARIABLE} is off"


@dataclass(frozen=True, slots=True)
class Audit:
    """What is known of the packages of a lock.

    `found` is None if nothing is known. `problem` says why nothing is, or nothing newer. `asked_at` is the
    time of the answer, and `packages` how many packages were asked for.
    """

    packages: int
    found: tuple[Vulnerability, ...] | None = None
    asked_at: datetime | None = None
    problem: str | None = None

    @property
    def is_off(self) -> bool:
        """Whether the user wants no service to be asked."""
        return self.problem == _IS_OFF

    @property
    def is_fresh(self) -> bool:
        """Whether there is an answer of the last 24 hours."""
        age = datetime.now(UTC) - self.asked_at if self.asked_at else None
        # A time that is still to come is one of a clock that was wrong.
        return age is not None and timedelta() <= age < FRESH

    def as_dict(self) -> dict[str, object]:
        """What is known as a JSON object; `found` is null if nothing is."""
        return {
            "packages": self.packages,
            "asked_at": self.asked_at.isoformat(timespec="seconds") if self.asked_at else None,
            "found": None if self.found is None else [one.as_dict() for one in self.found],
            "problem": self.problem,
        }


class AuditBegun:
    """An audit that goes on beside other work; `result` gives what is known so far."""

    def __init__(self, pins: Mapping[str, str], url: str | None) -> None:
        self._pins = dict(pins)
        self._url = url
        self._end = threading.Event()
        self._answer: Audit | None = None
        if url is None:
            self._answer = Audit(len(pins), problem=_IS_OFF)
            return
        question = json.dumps([url, sorted(self._pins.items())])
        name = hashlib.sha256(question.encode()).hexdigest()
        self._file = cache_folder() / "audits" / f"{name}.json"
        self._kept = _read(self._file, len(pins))
        if self._kept.is_fresh:
            self._answer = self._kept
        else:
            threading.Thread(target=self._ask, args=(url,), daemon=True, name="audit").start()

    def result(self, wait_s: float = 0.0) -> Audit:
        """The answer, or after `wait_s` seconds what was known before."""
        if self._answer is None:
            self._end.wait(wait_s)
        within = f" within {wait_s:.0f} seconds" if wait_s else " yet"
        return self._answer or replace(self._kept, problem=f"{self._url} has not answered{within}")

    def _ask(self, url: str) -> None:
        try:
            found = ask_osv(url, self._pins)
        except NotTold as error:
            self._answer = replace(self._kept, problem=str(error))
        else:
            now = datetime.now(UTC)
            self._answer = Audit(len(self._pins), found, now)
            _write(self._file, found, now)
        finally:
            self._end.set()


def begin_audit(pins: Mapping[str, str]) -> AuditBegun:
    """Begin to look up the packages, given as versions by name, unless an answer of today is kept.

    Raises `UsageError` if the address of the service is none.
    """
    return AuditBegun(pins, osv_url())


def _read(file: Path, packages: int) -> Audit:
    """The answer that is kept, however old; one without findings if there is none that can be read."""
    try:
        record = json.loads(file.read_bytes())
        if record["form"] == _FORM:
            found = tuple(Vulnerability(**one) for one in record["found"])
            return Audit(packages, found, datetime.fromisoformat(record["asked_at"]).astimezone(UTC))
    except (OSError, ValueError, TypeError, KeyError):
        # Whatever is wrong with the file, it can be made again.
        pass
    return Audit(packages)


def _write(file: Path, found: tuple[Vulnerability, ...], asked_at: datetime) -> None:
    """Keep an answer, whole or not at all; where nothing can be written, the next build asks again."""
    record = {"form": _FORM, "asked_at": asked_at.isoformat(), "found": [asdict(one) for one in found]}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False, encoding="utf-8") as new:
            json.dump(record, new)
        Path(new.name).replace(file)
    except OSError:
        return
