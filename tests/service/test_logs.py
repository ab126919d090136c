from __future__ import annotations

import json
import logging
import re
import sys

from service.logs import JsonFormatter, TextFormatter


def make_record(*, with_error: bool = False) -> logging.LogRecord:
    error = None
    if with_error:
        try:
            raise ValueError("no\nway")  # noqa: TRY301
        except ValueError:
            error = sys.exc_info()
    return logging.LogRecord("service", logging.WARNING, __file__, 1, "%s of %s", (1, 2), error)


def test_lines_of_text_have_the_time_in_utc() -> None:
    line = TextFormatter().format(make_record())

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ WARNING 1 of 2", line)


def test_each_line_of_json_is_one_event() -> None:
    line = JsonFormatter().format(make_record())

    event = json.loads(line)
    assert (event["level"], event["message"]) == ("warning", "1 of 2")
    assert set(event) == {"time", "level", "message"}


def test_a_traceback_is_in_the_line_of_its_event() -> None:
    line = JsonFormatter().format(make_record(with_error=True))

    assert "\n" not in line
    assert "ValueError: no\nway" in json.loads(line)["traceback"]
