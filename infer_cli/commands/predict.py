"""`infer predict`: predictions from a running service, for one row or for a file of rows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.errors import UsageError
from infer_cli.terminal import output
from infer_cli.terminal.options import AsJson, output_option, service_words
from infer_cli.terminal.progress import show_progress

if TYPE_CHECKING:
    from infer_cli.client.predictions import Predictions
    from infer_cli.client.service_client import ServiceClient


def predict(
    words: Annotated[
        list[str] | None,
        service_words(
            metavar="[NAME] FEATURE=VALUE...",
            help_text="The service, if several run; then the values of one row.",
        ),
    ] = None,
    *,
    input_file: Annotated[
        Path | None,
        typer.Option(
            "--input", "-i", metavar="FILE", help="Rows: .csv, .json, .jsonl or .parquet; - is a pipe."
        ),
    ] = None,
    output_file: Annotated[
        Path | None,
        output_option("Where to write the predictions.  [default: CSV on stdout]"),
    ] = None,
    batch_rows: Annotated[
        int, typer.Option("--batch", metavar="N", min=1, help="Rows in one request.")
    ] = 1000,
    missing_columns: Annotated[
        list[str] | None,
        typer.Option(
            "--missing-columns",
            metavar="A,B",
            help="Features that the rows do not have: predict with missing values in their place.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a running service to predict one row, or a file of rows."""
    name, cells = split_words(words or [])
    _check_options(cells, input_file, output_file, as_json=as_json)
    left_out = tuple(missing_columns or ())
    with show_progress(in_pipe=False) as progress:
        progress.stage(f"Asking {name or 'the service'}")
        from infer_cli.client.bulk import predict_file  # noqa: PLC0415 (slow to import)
        from infer_cli.client.piped_rows import file_of_rows  # noqa: PLC0415
        from infer_cli.client.service_client import ServiceClient  # noqa: PLC0415
        from infer_cli.engine.connection import connect  # noqa: PLC0415
        from infer_cli.engine.services import find_service  # noqa: PLC0415
        from infer_cli.running.readiness import require_url  # noqa: PLC0415

        engine = connect()
        client = ServiceClient(require_url(engine, find_service(engine, name)))
        if input_file is not None:
            with file_of_rows(input_file, sys.stdin.buffer) as source:
                predicted = predict_file(
                    client,
                    source,
                    output_file,
                    standard_output=sys.stdout,
                    batch_rows=batch_rows,
                    on_batch=lambda done: progress.advance("rows", done, None),
                    missing_columns=left_out,
                )
        else:
            answer = _answer_to(client, cells, left_out)
    if input_file is None:
        _show_answer(answer, as_json=as_json)
        return
    for line in predicted.notes:
        output.note(f"note: {line}")
    if output_file is None:
        output.note(f"{predicted.rows} rows")
    else:
        text = f"Wrote {predicted.rows} predictions to {output_file}"
        record = {"rows": predicted.rows, "output": str(output_file), "notes": list(predicted.notes)}
        output.show(text, record, as_json=as_json)


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
