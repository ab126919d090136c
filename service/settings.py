"""The settings of the service, read from the environment."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from service.errors import WrongSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

LOG_FORMATS = ("text", "json")
MISMATCHES = ("warn", "error")
LOG_LEVELS = ("debug", "info", "warning", "error", "critical")
SWITCH = ("0", "1")
FILES = ("any", "own")
# A scheme, a host and perhaps a port, as browsers write them.
ORIGIN = re.compile(r"https?://[^\s/@,]+/?", re.IGNORECASE)

SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")

# Where OpenTelemetry sends everything, or its traces.
OTLP_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

DEFAULT_PORT = 5000
# All interfaces: the loopback address of a container cannot be reached from outside of it.
DEFAULT_HOST = "0.0.0.0"  # noqa: S104
# About 100,000 rows of ten features. Reading a body takes several times its size in memory.
DEFAULT_MAX_BODY_BYTES = 16 * 1024 * 1024

PORT_MAX = 65535
# More workers or threads than any machine needs: a larger number is a typing error.
COUNT_MAX = 1024
BODY_BYTES_MAX = 2**40
ROWS_MAX = 10**9
# A week, and more memory than any machine has.
LOAD_SECONDS_MAX = 7 * 24 * 3600
LOAD_BYTES_MAX = 2**50
# A deadline that is longer than a day is none.
REQUEST_SECONDS_MAX = 24 * 3600
# The file beside a model file that tells what the model does not.
BESIDE = "infer.json"
# How the inputs of a model that is to take the place of another may be.
RELOAD_INPUTS = ("same", "any")
# How long a worker may do nothing and answer nothing; one that computes gets six times as long.
DEFAULT_WATCHDOG_SECONDS = 10
# How long a service that is to end goes on answering while requests come; 5 seconds more are for those that
# are being answered then, and `docker stop` waits 10 seconds.
DEFAULT_DRAIN_SECONDS = 2


@dataclass(frozen=True)
class KeptFiles:
    """Where a model file that was served before is kept, and the file beside it, if there was one."""

    model: Path
    beside: Path | None


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
    # Whether each request is a line of the log.
    request_log: bool = False
    # Of which share of the requests the values are logged, from 0 to 1.
    log_inputs: float = 0.0
    # Whether the variables of OpenTelemetry ask for traces.
    traces: bool = False
    version_mismatch: str = "warn"
    max_body_bytes: int = DEFAULT_MAX_BODY_BYTES
    # How many rows a request may have; None for what suits the usual length of a body.
    max_rows: int | None = None
    # What the cgroup allows all processes together; found at the start, and no setting.
    memory_bytes: int | None = None
    # After how many seconds a request is given up that the model has not been asked for; None for never.
    request_seconds: float | None = None
    # How long loading the model may take, and how much memory; None for what suits the size of the file.
    max_load_seconds: int | None = None
    max_load_bytes: int | None = None
    # Whether a model file that is written over the one that is served is served from then on, and whether it
    # may take other inputs.
    reload: bool = True
    reload_inputs: str = "same"
    # What is to be loaded in the place of the model file and the file beside it; no setting.
    kept: KeptFiles | None = None
    # After how many seconds a worker that answers nothing is replaced.
    watchdog_seconds: int = DEFAULT_WATCHDOG_SECONDS
    # For how many seconds, at most, a service that is to end closes connections with an answer.
    drain_seconds: int = DEFAULT_DRAIN_SECONDS
    # Modules and full names that the model file may use besides the names of the allow-list.
    trusted: tuple[str, ...] = ()
    # The file of the declared schema, and the features that a row may leave out besides those named there.
    model_schema: Path | None = None
    optional_features: tuple[str, ...] = ()
    # Names of the model in paths of other wire formats, and paths for predictions and readiness.
    model_names: tuple[str, ...] = ()
    predict_route: str = ""
    health_route: str = ""
    # Whether a category that the model does not know is an error where the model itself takes it.
    unknown_categories: str = "warn"
    # Names under which the service answers, besides IP addresses and localhost; empty for any name.
    allowed_hosts: tuple[str, ...] = ()
    # The file of the tokens with which the service answers; None if it answers everybody.
    tokens_file: Path | None = None
    # The files of the certificate and its key, with which the service speaks TLS; None for plain HTTP.
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    # Origins of pages that may read what the service answers; empty for its own pages alone.
    cors_origins: tuple[str, ...] = ()
    # Whether the values of rows are counted, to compare them with the training data.
    drift: bool = True
    # What the service may do on Linux besides answering: connect to other programs, and start programs.
    egress: bool = False
    programs: bool = False
    # "own": the service writes no file but in `scratch`, and reads its own alone and what lies in `reads`.
    files: str = "any"
    reads: tuple[Path, ...] = ()
    scratch: Path | None = None

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
            request_log=reader.choice("REQUEST_LOG", SWITCH) == "1",
            log_inputs=reader.share("LOG_INPUTS"),
            traces=reader.traces(),
            version_mismatch=reader.choice("VERSION_MISMATCH", MISMATCHES) or "warn",
            max_body_bytes=reader.integer("MAX_BODY_BYTES", BODY_BYTES_MAX) or DEFAULT_MAX_BODY_BYTES,
            max_rows=reader.integer("MAX_ROWS", ROWS_MAX),
            request_seconds=reader.seconds("REQUEST_SECONDS", REQUEST_SECONDS_MAX),
            max_load_seconds=reader.integer("MAX_LOAD_SECONDS", LOAD_SECONDS_MAX),
            max_load_bytes=reader.integer("MAX_LOAD_BYTES", LOAD_BYTES_MAX),
            reload=reader.choice("RELOAD", SWITCH) != "0",
            reload_inputs=reader.choice("RELOAD_INPUTS", RELOAD_INPUTS) or "same",
            watchdog_seconds=reader.integer("WATCHDOG_SECONDS", LOAD_SECONDS_MAX) or DEFAULT_WATCHDOG_SECONDS,
            drain_seconds=reader.integer("DRAIN_SECONDS", LOAD_SECONDS_MAX) or DEFAULT_DRAIN_SECONDS,
            trusted=reader.dotted_names("TRUST"),
            model_schema=reader.path("MODEL_SCHEMA"),
            optional_features=reader.names("OPTIONAL_FEATURES"),
            unknown_categories=reader.choice("UNKNOWN_CATEGORIES", MISMATCHES) or "warn",
            model_names=reader.names("MODEL_NAME"),
            predict_route=reader.route("PREDICT_ROUTE"),
            health_route=reader.route("HEALTH_ROUTE"),
            allowed_hosts=reader.hosts("ALLOWED_HOSTS"),
            tokens_file=reader.path("TOKENS_FILE"),
            tls_certificate=reader.path("TLS_CERTIFICATE"),
            tls_key=reader.path("TLS_KEY"),
            cors_origins=reader.origins("CORS_ORIGINS"),
            drift=reader.choice("DRIFT", SWITCH) != "0",
            egress=reader.choice("EGRESS", SWITCH) == "1",
            programs=reader.choice("PROGRAMS", SWITCH) == "1",
            files=reader.choice("FILES", FILES) or "any",
            reads=reader.paths("READS"),
            scratch=reader.path("SCRATCH"),
        )
        reader.together("TLS_CERTIFICATE", "TLS_KEY")
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

    def together(self, *names: str) -> None:
        missing = [name for name in names if not self.string(name)]
        if 0 < len(missing) < len(names):
            there = next(name for name in names if name not in missing)
            self.problems.append(f"{missing[0]} is not set, and {there} is: set both, or neither")

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

    def seconds(self, name: str, maximum: int) -> float | None:
        value = self.string(name)
        if not value:
            return None
        if SECONDS.fullmatch(value) and 0 < float(value) <= maximum:
            return float(value)
        self.problems.append(
            f"{name} must be a number of seconds up to {maximum}, such as 0.5 or 30, not {value!r}"
        )
        return None

    def traces(self) -> bool:
        """Tell whether OpenTelemetry's variables name where traces go, and do not turn them off."""
        is_off = self.string("OTEL_SDK_DISABLED").lower() == "true"
        is_other = self.string("OTEL_TRACES_EXPORTER").lower() not in ("", "otlp")
        return any(map(self.string, OTLP_ENDPOINTS)) and not is_off and not is_other

    def share(self, name: str) -> float:
        value = self.string(name)
        try:
            found = float(value or 0)
        except ValueError:
            found = -1
        if not 0 <= found <= 1:
            self.problems.append(f"{name} must be a share from 0 to 1, such as 0.01, not {value!r}")
        return found

    def path(self, name: str) -> Path | None:
        value = self.string(name)
        return Path(value) if value else None

    def paths(self, name: str) -> tuple[Path, ...]:
        found = tuple(Path(part) for part in self.string(name).split(os.pathsep) if part)
        for path in found:
            if not path.is_absolute():
                self.problems.append(f"{name} must be absolute paths, not {str(path)!r}")
        return found

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

    def hosts(self, name: str) -> tuple[str, ...]:
        found = self.names(name)
        for value in found:
            if not (value.isprintable() and value.isascii()) or set(value) & set(" :/@"):
                self.problems.append(
                    f"{name} must be names of hosts, without http:// and without a port, not {value!r}"
                )
        return found

    def origins(self, name: str) -> tuple[str, ...]:
        found = self.names(name)
        for value in found:
            if value != "*" and not ORIGIN.fullmatch(value):
                self.problems.append(f"{name} must be origins such as https://app.example, not {value!r}")
        return found

    def route(self, name: str) -> str:
        value = self.string(name)
        if value and not (value.startswith("/") and value.isprintable() and " " not in value):
            self.problems.append(f"{name} must be a path that starts with /, not {value!r}")
        return value

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
