"""`infer doctor`: whether everything that a build needs is there, and what to do if not."""

from __future__ import annotations

from dataclasses import asdict

import typer

from infer_cli.terminal import output
from infer_cli.terminal.options import AsJson
from infer_cli.terminal.progress import show_progress


def doctor(*, as_json: AsJson = False) -> None:
    """Check the engine, disk, cache, base image and package index.

    For each failed check, the command prints what to do.
    """
    with show_progress(in_pipe=False) as progress:
        progress.stage("Checking engine, disk, cache, base image and package index")
        from infer_cli.building.checks import run_checks  # noqa: PLC0415 (keeps `infer --help` quick)

        findings = list(run_checks())
    is_well = all(finding.is_well for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{'ok  ' if finding.is_well else 'FAIL'}  {finding.check}: {finding.message}")
        lines += [f"      {line}" for line in (finding.advice or "").splitlines()]
    record = {"ok": is_well, "checks": [asdict(finding) for finding in findings]}
    output.show("\n".join(lines), record, as_json=as_json)
    raise typer.Exit(0 if is_well else 1)
