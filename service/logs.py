"""The log: one line for each event on standard error, as text or as JSON."""

from __future__ import annotations

import json
import logging
import logging.config
import time

# The logger of the service. Granian logs the events of the server to loggers of its own.
LOGGER = logging.getLogger("service")


class TextFormatter(logging.Formatter):
    """Writes lines like `2026-05-04T13:37:00Z INFO serving model.joblib`, and a traceback below if any.

    Values that an event has as `values` are written after its message, as JSON.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%SZ")
        self.converter = time.gmtime

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (a method of the library)
        """Give the line without a traceback."""
        values: dict[str, object] = getattr(record, "values", {})
        return super().formatMessage(record) + "".join(
            f", {name} {json.dumps(value)}" for name, value in values.items()
        )


class JsonFormatter(TextFormatter):
    """Writes one JSON object for each event, on one line with its traceback: no log collector splits it."""

    def format(self, record: logging.LogRecord) -> str:
        """Give JSON with `time`, `level` and `message`, `traceback` for an exception, and further fields.

        These are the ones that an event has as `fields` and as `values`.
        """
        event: dict[str, object] = {
            "time": self.formatTime(record, self.datefmt),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
            **getattr(record, "values", {}),
        }
        if record.exc_info:
            event["traceback"] = self.formatException(record.exc_info)
        return json.dumps(event)


FORMATTERS = {"text": TextFormatter, "json": JsonFormatter}


def logging_config(*, log_format: str, log_level: str) -> dict[str, object]:
    """Give the settings for `logging.config.dictConfig`, for the parent process and for each worker."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": FORMATTERS[log_format]}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {LOGGER.name: {"level": log_level.upper()}},
    }


def configure_logs(*, log_format: str, log_level: str) -> None:
    """Send the log of this process to stderr."""
    logging.config.dictConfig(logging_config(log_format=log_format, log_level=log_level))
