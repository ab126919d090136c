"""`infer predict`: predictions from a running service, for one row or for a file of rows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.errors import Interrupted, UsageError
from infer_cli.terminal import output
from infer_cli.terminal.options import (
    AsJson,
    BatchRows,
    MissingColumns,
    input_option,
    output_option,
    service_words,
)
from infer_cli.terminal.progress import show_progress

if TYPE_CHECKING:
    from infer_cli.client.bulk import BulkOptions, PredictedFile
    from infer_cli.client.predictions import Predictions
    from infer_cli.client.service_client import ServiceClient

# The exit code of a run in which rows were refused.
ROWS_REFUSED = 3

Words = Annotated[
    list[str] | None,
    service_words(
        metavar="[NAME] FEATURE=VALUE...",
        help_text="The service, if several run; then the values of one row.",
    ),
]
InputFile = Annotated[
    Path | None,
    input_option("Rows: .csv, .json, .jsonl or .parquet; - is a pipe."),
]
OutputFile = Annotated[
    Path | None, output_option("Where to write the predictions.  [default: CSV on stdout]")
]
RejectedFile = Annotated[
    Path | None,
    typer.Option(
        "--rejected",
        metavar="FILE",
        help="Where to write the rows that are refused, as .csv or .jsonl.  [default: beside --output]",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="End at the first row that is refused.")]
RetryFor = Annotated[
    float,
    typer.Option(
        "--retry-for",
        metavar="SECONDS",
        min=0,
        help="How long to ask a service again that is busy or does not answer.",
    ),
]
StartOver = Annotated[
    bool, typer.Option("--start-over", help="Predict all rows anew, also if an earlier run was interrupted.")
]


def predict(  # noqa: PLR0913 (each is an option)
    words: Words = None,
    *,
    input_file: InputFile = None,
    output_file: OutputFile = None,
    batch_rows: BatchRows = 1000,
    missing_columns: MissingColumns = None,
    rejected: RejectedFile = None,
    strict: Strict = False,
    retry_for_s: RetryFor = 60.0,
    start_over: StartOver = False,
    as_json: AsJson = False,
) -> None:
    """Ask a running service to predict one row, or a file of rows.

    With --output, a run that was interrupted goes on where it ended when it is started again. Rows that the
    service refuses go to a file of their own; the exit code is then 3.
    """
    from infer_cli.client.bulk import BulkOptions  # noqa: PLC0415 (slow to import)

    name, cells = split_words(words or [])
    _check_options(cells, input_file, output_file, as_json=as_json)
    if input_file is None:
        if rejected or strict or start_over:
            raise UsageError("--rejected, --strict and --start-over go with --input")
        _predict_row(name, cells, tuple(missing_columns or ()), as_json=as_json)
        return
    if strict and rejected:
        raise UsageError("--strict ends at the first refused row, and --rejected takes them: use one of them")
    if start_over and output_file is None:
        raise UsageError("--start-over goes with --output")
    options = BulkOptions(
        batch_rows=batch_rows,
        missing_columns=tuple(missing_columns or ()),
        rejected=rejected,
        strict=strict,
        start_over=start_over,
        retry_for_s=retry_for_s,
        is_pipe=str(input_file) == "-",
    )
    _predict_rows(name, input_file, output_file, options, as_json=as_json)


def _predict_row(
    name: str | None, cells: dict[str, str], left_out: tuple[str, ...], *, as_json: bool
) -> None:
    """Predict the row of the command line."""
    with show_progress(in_pipe=False) as progress:
        progress.stage(f"Asking {name or 'the service'}")
        answer = _answer_to(_client_of(name), cells, left_out)
    _show_answer(answer, as_json=as_json)


def _predict_rows(
    name: str | None, input_file: Path, output_file: Path | None, options: BulkOptions, *, as_json: bool
) -> None:
    """Predict a file of rows; ends with `ROWS_REFUSED` if some were refused."""
    from infer_cli.client.asking import connections_for  # noqa: PLC0415 (slow to import)
    from infer_cli.client.bulk import predict_file  # noqa: PLC0415
    from infer_cli.client.piped_rows import file_of_rows  # noqa: PLC0415

    with show_progress(in_pipe=False) as progress:
        progress.stage(f"Asking {name or 'the service'}")
        client = _client_of(name)
        clients = [client, *(client.another() for _ in range(connections_for(client) - 1))]
        is_begun = False

        def on_rows(done: int, fraction: float | None) -> None:
            nonlocal is_begun
            if done and not is_begun:
                progress.note(f"{done:,} rows are done already: going on behind them")
            is_begun = True
            progress.rows(done, fraction)

        try:
            with file_of_rows(input_file, sys.stdin.buffer) as source:
                predicted = predict_file(
                    clients,
                    source,
                    output_file,
                    standard_output=sys.stdout,
                    on_rows=on_rows,
                    options=options,
                )
        except KeyboardInterrupt as interrupt:
            raise _interrupted(output_file) from interrupt
    for line in predicted.notes:
        output.note(f"note: {line}")
    _show_end(predicted, output_file, as_json=as_json)
    if predicted.refused:
        raise typer.Exit(ROWS_REFUSED)


def _client_of(name: str | None) -> ServiceClient:
    from infer_cli.engine.connection import connect  # noqa: PLC0415 (slow to import)
    from infer_cli.engine.services import find_service  # noqa: PLC0415
    from infer_cli.running.readiness import client_of  # noqa: PLC0415

    engine = connect()
    return client_of(engine, find_service(engine, name))


def _show_end(predicted: PredictedFile, output_file: Path | None, *, as_json: bool) -> None:
    """Say how many rows were predicted, and where they are."""
    count = "1 row was refused" if predicted.refused == 1 else f"{predicted.refused} rows were refused"
    refused = f"{count}; the reasons are in {predicted.rejected}"
    if output_file is None:
        output.note(f"{predicted.rows} rows")
        if predicted.refused:
            output.note(refused)
        return
    text = f"Wrote {predicted.rows} predictions to {output_file}"
    record = {
        "rows": predicted.rows,
        "output": str(output_file),
        "refused": predicted.refused,
        "rejected": str(predicted.rejected) if predicted.refused else None,
        "notes": list(predicted.notes),
    }
    output.show(f"{text}\n{refused}" if predicted.refused else text, record, as_json=as_json)


def _interrupted(output_file: Path | None) -> Interrupted:
    """What is said at Ctrl-C: whether there is something to go on with."""
    from infer_cli.client.unfinished import folder_of  # noqa: PLC0415 (slow to import)

    if output_file is None or not folder_of(output_file).exists():
        return Interrupted()
    kept = folder_of(output_file)
    return Interrupted(f"interrupted; what is done is kept in {kept}, and the same command goes on")


def _answer_to(client: ServiceClient, cells: dict[str, str], left_out: tuple[str, ...]) -> Predictions:
    """The answer to the one row of the command line."""
    from infer_cli.client.cells import typed_row  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.client.columns import Columns  # noqa: PLC0415

    model = client.model()
    # A word that names no feature is never dropped: the service refuses it.
    return client.predict([Columns(model.features, left_out).missing | typed_row(cells, model.named)])


def _show_answer(answer: Predictions, *, as_json: bool) -> None:
    """Show the answer to one row."""
    from infer_cli.client.answer_columns import answer_values, as_cell  # noqa: PLC0415

    warnings, non_finite = answer.warnings_of(0), answer.non_finite_of(0)
    for warning in warnings:
        output.note(f"warning: {warning.get('message', warning.get('problem'))}")
    record: dict[str, object] = {"prediction": answer.predictions[0]}
    if answer.probabilities:
        record["probabilities"] = answer.probabilities[0]
    record |= {name: given[0] for name, given in answer.scores.items()}
    if warnings:
        record["warnings"] = warnings
    if non_finite:
        record["non_finite"] = non_finite
    # Only the text has words for infinities and NaN: JSON has null, and says which it is beside it.
    values = answer_values(answer, 0)
    text = str(as_cell(values["prediction"]))
    if answer.probabilities:
        text += f"\n{_probabilities_text(answer.probabilities[0])}"
    for name in answer.scores:
        text += f"\n{name}: {as_cell(values[name])}"
    output.show(text, record, as_json=as_json)


def split_words(words: list[str]) -> tuple[str | None, dict[str, str]]:
    """The service's name, if the first word is one, and the cells by feature; raises `UsageError`."""
    name = words[0] if words and "=" not in words[0] else None
    cells: dict[str, str] = {}
    for word in words[name is not None :]:
        feature, equals, cell = word.partition("=")
        if not equals or not feature:
            raise UsageError(f"{word!r} is no value", hint="write FEATURE=VALUE, for example slength=1.5")
        if feature in cells:
            raise UsageError(f"{feature} is given twice")
        cells[feature] = cell
    return name, cells


def _check_options(
    cells: dict[str, str], input_file: Path | None, output_file: Path | None, *, as_json: bool
) -> None:
    if input_file is None and not cells:
        raise UsageError(
            "no values were given", hint="write FEATURE=VALUE …, or --input FILE; --input - reads a pipe"
        )
    if input_file is not None and cells:
        raise UsageError("values and --input were given; use one of them")
    if output_file is not None and input_file is None:
        raise UsageError("--output goes with --input")
    if as_json and input_file is not None and output_file is None:
        raise UsageError("--json with --input needs --output: the rows would mix with the object on stdout")


def _probabilities_text(probabilities: object) -> str:
    """A table by class, the most likely class first; one table for each output of a model of several."""
    if isinstance(probabilities, list):
        return "\n".join(_probabilities_text(of_output) for of_output in probabilities)
    if not isinstance(probabilities, dict):
        return str(probabilities)
    likely = sorted(probabilities.items(), key=lambda entry: entry[1] or 0.0, reverse=True)
    lines = [(label, "-" if value is None else f"{value:.4f}") for label, value in likely]
    return output.table(("CLASS", "PROBABILITY"), lines)
