"""The settings of the service, read from the environment."""

from __future__ import annotations

import json
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
# All interfaces: the loopback address of a container cannot be reached from outside of it.
DEFAULT_HOST = "0.0.0.0"  # noqa: S104
# About 100,000 rows of ten features. Reading a body takes several times its size in memory.
DEFAULT_MAX_BODY_BYTES = 16 * 1024 * 1024

PORT_MAX = 65535
# More workers or threads than any machine needs: a larger number is a typing error.
COUNT_MAX = 1024
BODY_BYTES_MAX = 2**40


@dataclass(frozen=True)
class Settings:
    """The settings of one service; `workers` and `threads` are None where the service chooses them."""

    model_file: Path
    port: int = DEFAULT_PORT
    host: str = DEFAULT_HOST
    workers: int | None = None
    threads: int | None = None
    log_format: str = "text"
    log_level: str = "info"
    version_mismatch: str = "warn"
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    # Modules and full names that the model file may use besides the names of the allow-list.
    trusted: tuple[str, ...] = ()
    # The file of the declared schema, and the features that a row may leave out besides those named there.
    model_schema: Path | None = None
    optional_features: tuple[str, ...] = ()
    # Whether a category that the model does not know is an error where the model itself takes it.
    unknown_categories: str = "warn"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read all settings; raise `WrongSettings` with one problem for each wrong setting."""
        reader = _Reader(environment)
        settings = cls(
            model_file=Path(reader.required("MODEL_FILE", advice="set it to the path of the model")),
            port=reader.integer("PORT", PORT_MAX) or DEFAULT_PORT,
            host=reader.string("HOST") or DEFAULT_HOST,
            workers=reader.integer("WORKERS", COUNT_MAX),
            threads=reader.integer("THREADS", COUNT_MAX),
            log_format=reader.choice("LOG_FORMAT", LOG_FORMATS) or "text",
            log_level=reader.choice("LOG_LEVEL", LOG_LEVELS) or "info",
            version_mismatch=reader.choice("VERSION_MISMATCH", MISMATCHES) or "warn",
            max_body_bytes=reader.integer("MAX_BODY_BYTES", BODY_BYTES_MAX) or DEFAULT_MAX_BODY_BYTES,
            trusted=reader.dotted_names("TRUST"),
            model_schema=reader.path("MODEL_SCHEMA"),
            optional_features=reader.names("OPTIONAL_FEATURES"),
            unknown_categories=reader.choice("UNKNOWN_CATEGORIES", MISMATCHES) or "warn",
        )
        if reader.problems:
            raise WrongSettings(tuple(reader.problems))
        return settings


class _Reader:
    """Reads one environment variable at a time, and collects the problems.

    A blank variable counts as not set: Compose passes `PORT=` on for a variable that it does not know.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.problems: list[str] = []

    def string(self, name: str) -> str:
        return self.environment.get(name, "").strip()

    def required(self, name: str, *, advice: str) -> str:
        value = self.string(name)
        if not value:
            self.problems.append(f"{name} is not set: {advice}")
        return value

    def integer(self, name: str, maximum: int) -> int | None:
        value = self.string(name)
        if not value:
            return None
        # The length comes first: int() raises an error for thousands of digits.
        if (
            value.isascii()
            and value.isdigit()
            and len(value) <= len(str(maximum))
            and 1 <= int(value) <= maximum
        ):
            return int(value)
        self.problems.append(f"{name} must be a whole number from 1 to {maximum}, not {value!r}")
        return None

    def path(self, name: str) -> Path | None:
        value = self.string(name)
        return Path(value) if value else None

    def names(self, name: str) -> tuple[str, ...]:
        """Read names that are separated by commas, or a JSON list of names, which may hold commas."""
        value = self.string(name)
        if not value.startswith("["):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        try:
            found = json.loads(value)
        except ValueError:
            found = None
        if not isinstance(found, list) or not all(isinstance(part, str) for part in found):
            self.problems.append(f"{name} must be names with commas between, or a JSON list, not {value!r}")
            return ()
        return tuple(found)

    def dotted_names(self, name: str) -> tuple[str, ...]:
        found = tuple(self.string(name).replace(",", " ").split())
        for value in found:
            if not all(part.isidentifier() for part in value.split(".")):
                self.problems.append(f"{name} must be names of modules, not {value!r}")
        return found

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        value = self.string(name).lower()
        if not value or value in choices:
            return value or None
        self.problems.append(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        return None
