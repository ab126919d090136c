"""What the documents say is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from infer_cli import errors

_ROOT = Path(__file__).resolve().parent.parent
_README = (_ROOT / "README.md").read_text()


def test_page_of_commands_is_the_help_of_the_commands() -> None:
    printed = subprocess.run(
        [sys.executable, str(_ROOT / "docs" / "commands_page.py")], check=True, capture_output=True, text=True
    )

    assert (_ROOT / "docs" / "commands.md").read_text() == printed.stdout, "run `make docs`"


def test_readme_tells_of_every_setting_of_the_service() -> None:
    source = (_ROOT / "service" / "settings.py").read_text()
    settings = re.findall(r'reader\.\w+\("([A-Z_]+)"', source)

    assert len(settings) >= 8
    for name in settings:
        assert f"`{name}`" in _README


def test_page_of_metrics_tells_of_every_metric() -> None:
    source = (_ROOT / "service" / "telemetry" / "prometheus.py").read_text()
    page = (_ROOT / "docs" / "metrics.md").read_text()
    metrics = re.findall(r'(?:Counter|Gauge|Histogram|Info)MetricFamily\("(\w+)"', source)

    assert len(metrics) >= 9
    for name in metrics:
        assert f"| `{name}" in page


@pytest.mark.parametrize("code", [0, 1, 2, 126, 127, 130])
def test_readme_tells_of_every_exit_code(code: int) -> None:
    assert re.search(rf"Exit codes:.*\b{code} \w+", _README)


def test_every_error_has_a_documented_exit_code() -> None:
    codes = {value.exit_code for value in vars(errors).values() if hasattr(value, "exit_code")}

    assert codes == {1, 2, 127, 130}


def test_first_line_of_each_command_fits_the_list_of_commands() -> None:
    page = (_ROOT / "docs" / "commands.md").read_text()
    listed = page.split("Commands:")[1].split("```")[0]

    assert "..." not in listed
