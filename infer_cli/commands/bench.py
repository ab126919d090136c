"""`infer bench`: the latency of a running service at a given rate, or its highest rate for a target."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.errors import PredictionFailed, UsageError
from infer_cli.terminal import output
from infer_cli.terminal.options import (
    AsJson,
    MissingColumns,
    input_option,
    service_words,
    timeout_option,
)
from infer_cli.terminal.progress import show_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.load.conditions import Condition
    from infer_cli.load.requests import PreparedRequest
    from infer_cli.load.result import LoadPlan, LoadResult
    from infer_cli.load.search import Search, Trial

# A condition of --fail-if holds, or no rate meets the target.
FAILED = 3
_LOAD, _RESULT = "The load", "The result"
# A search is made of many measurements.
_DURATION, _DURATION_OF_TRIAL = "10s", "4s"
# The load generator waits with `select`, which takes no file descriptor from 1,024 on.
_MOST_CONNECTIONS = 900
_READ_THE_LOG = "see what it says: `infer logs`"
_OUTCOMES = {"met": "met", "missed": "missed", "unknown": "unclear"}


def bench(  # noqa: PLR0913 (each is an option of the command)
    name: Annotated[
        str | None,
        service_words(metavar="[NAME]", help_text="The service; may be left out while only one is running."),
    ] = None,
    *,
    rate: Annotated[
        str,
        typer.Option(
            metavar="RATE", rich_help_panel=_LOAD, help="Requests a second; with --target, where to begin."
        ),
    ] = "100/s",
    duration: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            rich_help_panel=_LOAD,
            help=f"How long to measure.  [default: {_DURATION}; for each rate of --target "
            f"{_DURATION_OF_TRIAL}]",
        ),
    ] = None,
    warm_up: Annotated[
        str, typer.Option(metavar="TIME", rich_help_panel=_LOAD, help="The same load before, not counted.")
    ] = "1s",
    arrivals: Annotated[
        str,
        typer.Option(metavar="HOW", rich_help_panel=_LOAD, help="When requests come: constant or poisson."),
    ] = "constant",
    input_file: Annotated[
        Path | None,
        input_option(
            "Rows to send: .csv, .json, .jsonl or .parquet; - is a pipe.  [default: the service's example]",
            panel=_LOAD,
        ),
    ] = None,
    missing_columns: MissingColumns = None,
    rows: Annotated[
        int, typer.Option(metavar="N", min=1, rich_help_panel=_LOAD, help="Rows in one request.")
    ] = 1,
    connections: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            max=_MOST_CONNECTIONS,
            rich_help_panel=_LOAD,
            help="At most this many connections, which are kept open.",
        ),
    ] = 100,
    timeout: Annotated[float, timeout_option("How long to wait for an answer.", panel=_LOAD)] = 10,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="A service by its URL, in the place of its name.")
    ] = None,
    remote: Annotated[
        bool, typer.Option("--remote", help="Load a service on another machine, which is yours to load.")
    ] = False,
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            rich_help_panel=_RESULT,
            help="Search the highest rate at which this holds, such as 'p99<20ms'; may be repeated.",
        ),
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            rich_help_panel=_RESULT,
            help=f"End with exit code {FAILED} if this holds, such as 'p99>20ms', 'errors>0.1%' or "
            "'rate<400'; may be repeated.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.svg", rich_help_panel=_RESULT, help="Draw the latencies into this file."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a service: its latency at a rate, or its highest rate.

    Requests are sent on a schedule that never waits for answers, and a latency counts from the moment at
    which the request was due: a service that stalls cannot hide it.
    """
    from infer_cli.load.chart import svg_chart  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.load.conditions import parse_condition  # noqa: PLC0415
    from infer_cli.load.quantities import parse_duration, parse_rate, rate_text  # noqa: PLC0415
    from infer_cli.load.report import counts_text  # noqa: PLC0415
    from infer_cli.load.result import LoadPlan  # noqa: PLC0415
    from infer_cli.load.schedule import check_arrivals  # noqa: PLC0415

    check_arrivals(arrivals)
    targets = [parse_condition("--target", text) for text in target or ()]
    limits = [parse_condition("--fail-if", text) for text in fail_if or ()]
    plan = LoadPlan(
        parse_rate("--rate", rate),
        parse_duration("--duration", duration or (_DURATION_OF_TRIAL if targets else _DURATION)),
        parse_duration("--warm-up", warm_up),
        arrivals,
        connections,
        timeout,
    )
    _check_options(name, url, plan, plot)
    with show_progress(in_pipe=False) as progress:
        progress.stage(f"Asking {url or name or 'the service'}")
        place = _find(name, url, is_remote=remote)
        requests = _prepare(place, input_file, rows, tuple(missing_columns or ()))
    different = f", {len(requests)} different ones" if len(requests) > 1 else ""
    what = f"{place.name}, {rows} {'row' if rows == 1 else 'rows'} a request{different}"
    search = None
    if targets:
        output.note(
            f"Searching the highest rate of {what}; from {rate_text(plan.rate)}, {_times_text(plan)} each"
        )
        search = _search(place, requests, plan, targets)
        result = search.best.result if search.best else search.trials[-1].result
    else:
        output.note(f"Loading {what}: {plan.arrivals} {rate_text(plan.rate)}, {_times_text(plan)}")
        result = place.load(requests, plan)
        if not result.answered:
            counts = counts_text(result)
            raise PredictionFailed(f"{place.name} gave no right answer", detail=counts, hint=_READ_THE_LOG)
    _report(place, result, search, limits, as_json=as_json)
    if plot is not None:
        plot.write_text(svg_chart(result.latencies, f"{place.name} at {rate_text(result.plan.rate)}"))
        output.note(f"Wrote {plot}")
    raise typer.Exit(_exit_code(result, search, limits))


@dataclass(frozen=True)
class _Place:
    """A service to load; without an engine if it was named by its URL."""

    name: str
    url: str
    engine: Engine | None = None
    service: Service | None = None

    @property
    def token(self) -> str | None:
        """Its token, if infer has one."""
        from infer_cli.tokens import token_of  # noqa: PLC0415 (keeps `infer --help` quick)

        return token_of(self.service.access) if self.service else None

    @property
    def known(self) -> Path | None:
        """The file of its certificate, if infer has one."""
        from infer_cli.running.readiness import known_certificate  # noqa: PLC0415 (slow to import)

        return known_certificate(self.service) if self.service else None

    def load(self, requests: Sequence[PreparedRequest], plan: LoadPlan) -> LoadResult:
        """Load the service; raises an error if it stops answering."""
        from infer_cli.load.generator import run_load  # noqa: PLC0415 (keeps `infer --help` quick)
        from infer_cli.load.report import counts_text  # noqa: PLC0415

        result = run_load(self.url, requests, plan, known=self.known)
        if result.lost_after_s is not None:
            counts = counts_text(result)
            self._require_running(counts)
            after = f"{result.lost_after_s:.1f} s after the start"
            raise PredictionFailed(
                f"{self.name} stopped answering {after}: {result.lost_reason}",
                detail=counts,
                hint=_READ_THE_LOG,
            )
        return result

    def _require_running(self, counts: str) -> None:
        """Raise `ContainerFailed` if the container has ended, with what it said of its end."""
        if self.engine is None or self.service is None:
            return
        from infer_cli.engine.services import inspect_service  # noqa: PLC0415 (slow to import)
        from infer_cli.running.endings import ended  # noqa: PLC0415

        now = inspect_service(self.engine, self.service.container_id)
        if not now.is_running or now.restart_count > self.service.restart_count:
            error = ended(self.engine, now, "under the load")
            error.detail = "\n".join(filter(None, (counts, error.detail)))
            raise error


def _exit_code(result: LoadResult, search: Search | None, limits: Sequence[Condition]) -> int:
    """The exit code, with a line for each reason that it is not 0."""
    failed = [limit for limit in limits if limit.holds(result)]
    for limit in failed:
        output.note(f"failed: {limit.measured_text(result)} (--fail-if {shlex.quote(limit.text)})")
    if result.wrong:
        output.note(f"error: {result.wrong} answers were wrong; the first: {result.first_wrong}")
        return 1
    return FAILED if failed or (search is not None and search.best is None) else 0


def _find(name: str | None, url: str | None, *, is_remote: bool) -> _Place:
    """The service to load; raises `UsageError` if it is on another machine without `is_remote`."""
    from infer_cli.load.place import check_url, require_local  # noqa: PLC0415 (keeps `infer --help` quick)

    if url is not None:
        place = _Place(check_url(url), check_url(url))
    else:
        from infer_cli.engine.connection import connect  # noqa: PLC0415 (slow to import)
        from infer_cli.engine.services import find_service  # noqa: PLC0415
        from infer_cli.running.readiness import require_url  # noqa: PLC0415

        engine = connect()
        service = find_service(engine, name)
        place = _Place(service.name, require_url(engine, service), engine, service)
    if not is_remote:
        require_local(place.url)
    return place


def _prepare(
    place: _Place, input_file: Path | None, rows: int, left_out: tuple[str, ...]
) -> tuple[PreparedRequest, ...]:
    """The requests, of which the first must be answered: a load of refusals measures nothing."""
    from infer_cli.client.piped_rows import file_of_rows  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.client.service_client import ServiceClient  # noqa: PLC0415
    from infer_cli.load.requests import prepare_requests  # noqa: PLC0415

    url, client = place.url, ServiceClient(place.url, token=place.token, known=place.known)
    model = client.model()
    if input_file is None:
        requests = prepare_requests(
            model, url, None, rows_each=rows, missing_columns=left_out, token=client.token
        )
    else:
        with file_of_rows(input_file, sys.stdin.buffer) as source:
            requests = prepare_requests(
                model, url, source, rows_each=rows, missing_columns=left_out, token=client.token
            )
    client.predict(requests[0].rows, first_row=1 if input_file else None)
    client.close()
    return requests


def _check_options(name: str | None, url: str | None, plan: LoadPlan, plot: Path | None) -> None:
    if name is not None and url is not None:
        raise UsageError(f"{name} and --url were given; use one of them")
    if plan.rate * plan.duration_s < 1:
        raise UsageError("no request is due in this time", hint="raise --rate or --duration")
    if plan.timeout_s <= 0:
        raise UsageError(
            f"--timeout {plan.timeout_s:g} leaves no time for an answer", hint="give it a second"
        )
    if plot is not None and plot.suffix.lower() != ".svg":
        raise UsageError(f"--plot {plot}: only SVG is drawn", hint="name a file that ends in .svg")


def _times_text(plan: LoadPlan) -> str:
    return f"{plan.warm_up_s:g} s of warm-up and {plan.duration_s:g} s"


def _search(
    place: _Place, requests: Sequence[PreparedRequest], plan: LoadPlan, targets: Sequence[Condition]
) -> Search:
    from infer_cli.load.search import find_highest_rate, judge  # noqa: PLC0415 (keeps `infer --help` quick)

    def attempt(rate: float) -> Trial:
        trial = judge(rate, place.load(requests, replace(plan, rate=rate)), targets)
        output.note(_trial_line(trial, targets))
        return trial

    return find_highest_rate(plan.rate, attempt)


def _trial_line(trial: Trial, targets: Sequence[Condition]) -> str:
    from infer_cli.load.quantities import rate_text  # noqa: PLC0415 (keeps `infer --help` quick)

    figures = ", ".join(target.measured_text(trial.result) for target in targets)
    errors = f", {trial.result.errors} errors" if trial.result.errors else ""
    return f"{rate_text(trial.rate):>10}  {_OUTCOMES[trial.outcome]:<8}  {figures}{errors}"


def _report(
    place: _Place, result: LoadResult, search: Search | None, limits: Sequence[Condition], *, as_json: bool
) -> None:
    from infer_cli.load.chart import text_chart  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.load.quantities import rate_text  # noqa: PLC0415
    from infer_cli.load.report import counts_text, notes_of, record_of, table_lines  # noqa: PLC0415

    record: dict[str, object] = {"name": place.name, "url": place.url, **record_of(result)}
    lines = [counts_text(result), ""]
    lines.append(output.table(("LATENCY", "FROM DUE", "FROM SENT"), table_lines(result)))
    lines += ["", text_chart(result.latencies)]
    notes = notes_of(result)
    if search is not None:
        highest = search.best.rate if search.best else None
        record["highest_rate"] = highest
        record["trials"] = [
            {"rate": one.rate, "outcome": one.outcome, "latency_ms": record_of(one.result)["latency_ms"]}
            for one in search.trials
        ]
        found = f"No rate that was tried meets the target; the last one was {rate_text(result.plan.rate)}:"
        if highest is not None:
            found = f"Highest rate that meets the target: {rate_text(highest)}; there:"
        lines.insert(0, found)
        if search.is_limited_by_generator:
            notes.append(
                "the load generator was late at every rate: this machine has too much else to do"
                if search.best is None
                else "above this rate the load generator itself was late: the service may take more"
            )
    record["fail_if"] = [{"condition": one.text, "holds": one.holds(result)} for one in limits]
    output.show("\n".join(lines), record, as_json=as_json)
    for note in notes:
        output.note(f"note: {note}")
