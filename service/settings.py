"""The settings of the service, read from the environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from service.errors import WrongSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

LOG_FORMATS = ("text", "json")
MISMATCHES = ("warn", "error")
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")

DEFAULT_PORT = 5000
# All interfaces: in a container the loopback address cannot be reached from outside.
DEFAULT_HOST = "0.0.0.0"  # noqa: S104
# About 100 000 rows of ten features. A body is held in memory several times over while it is read.
DEFAULT_MAX_BODY_BYTES = 16 * 1024 * 1024

LARGEST_PORT = 65535
# Far more than any machine needs; more is a slip of the keyboard that would start a thousand processes.
LARGEST_COUNT = 1024
LARGEST_BODY_BYTES = 2**40


@dataclass(frozen=True)
class Settings:
    """What the environment asks for. `workers` and `threads` are None where it leaves them to the service."""

    model_file: Path
    port: int = DEFAULT_PORT
    host: str = DEFAULT_HOST
    workers: int | None = None
    threads: int | None = None
    log_format: str = "text"
    log_level: str = "info"
    version_mismatch: str = "warn"
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    # Modules and full names that the model may use besides those of the allow-list.
    trusted: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read all settings; raise `WrongSettings` naming every wrong one."""
        reader = _Reader(environment)
        settings = cls(
            model_file=Path(reader.required("MODEL_FILE", advice="set it to the path of the model")),
            port=reader.whole("PORT", LARGEST_PORT) or DEFAULT_PORT,
            host=reader.text("HOST") or DEFAULT_HOST,
            workers=reader.whole("WORKERS", LARGEST_COUNT),
            threads=reader.whole("THREADS", LARGEST_COUNT),
            log_format=reader.choice("LOG_FORMAT", LOG_FORMATS) or "text",
            log_level=reader.choice("LOG_LEVEL", LOG_LEVELS) or "info",
            version_mismatch=reader.choice("VERSION_MISMATCH", MISMATCHES) or "warn",
            max_body_bytes=reader.whole("MAX_BODY_BYTES", LARGEST_BODY_BYTES) or DEFAULT_MAX_BODY_BYTES,
            trusted=reader.dotted_names("TRUST"),
        )
        if reader.problems:
            raise WrongSettings(tuple(reader.problems))
        return settings


class _Reader:
    """Reads one variable at a time and remembers what was wrong.

    A blank variable counts as not set: `PORT=` is what Compose passes on for a variable it does not know.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.problems: list[str] = []

    def text(self, name: str) -> str:
        return self.environment.get(name, "").strip()

    def required(self, name: str, *, advice: str) -> str:
        value = self.text(name)
        if not value:
            self.problems.append(f"{name} is not set: {advice}")
        return value

    def whole(self, name: str, largest: int) -> int | None:
        value = self.text(name)
        if not value:
            return None
        # The length first: int() refuses thousands of digits with an error of its own.
        if (
            value.isascii()
            and value.isdigit()
            and len(value) <= len(str(largest))
            and 1 <= int(value) <= largest
        ):
            return int(value)
        self.problems.append(f"{name} must be a whole number from 1 to {largest}, not {value!r}")
        return None

    def dotted_names(self, name: str) -> tuple[str, ...]:
        found = tuple(self.text(name).replace(",", " ").split())
        for value in found:
            if not all(part.isidentifier() for part in value.split(".")):
                self.problems.append(f"{name} must be names of modules, not {value!r}")
        return found

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        value = self.text(name).lower()
        if not value or value in choices:
            return value or None
        self.problems.append(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        return None
