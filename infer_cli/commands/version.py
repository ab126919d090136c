"""`infer version`: the version of infer."""

from __future__ import annotations

from infer_cli import __version__
from infer_cli.terminal import output
from infer_cli.terminal.options import AsJson


def version(*, as_json: AsJson = False) -> None:
    """Print the version of infer."""
    output.show(f"infer {__version__}", {"version": __version__}, as_json=as_json)
