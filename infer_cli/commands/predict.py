"""`infer predict`: predictions from a running service, for one row or a file of them."""

from __future__ import annotations

import json
import re
import sys
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infer_cli.errors import InferError, PredictionFailed, UsageError
from infer_cli.terminal import output
from infer_cli.terminal.options import AsJson, output_option, service_words
from infer_cli.terminal.progress import show_progress

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infer_cli.client.service_client import Predictions, ServedFeature, ServedModel, ServiceClient

_WORDS = {"true": True, "false": False}
_TRUTH = {**_WORDS, "1": True, "0": False}
# What is certainly meant as a number, where it may also be a text: not 007, which may be a name.
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"-?[0-9]+,[0-9]+")


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
        typer.Option("--input", "-i", metavar="FILE", help="Rows: .csv, .json, .jsonl or .parquet."),
    ] = None,
    output_file: Annotated[
        Path | None,
        output_option("Where to write the predictions.  [default: CSV on stdout]"),
    ] = None,
    batch_rows: Annotated[
        int, typer.Option("--batch", metavar="N", min=1, help="Rows in one request.")
    ] = 1000,
    as_json: AsJson = False,
) -> None:
    """Ask a running service for one prediction, or for those of a file."""
    from infer_cli.client.service_client import ServiceClient  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.engine.connection import connect  # noqa: PLC0415
    from infer_cli.engine.services import find_service  # noqa: PLC0415
    from infer_cli.running.readiness import service_url  # noqa: PLC0415

    name, values = split_words(words or [])
    _check(values, input_file, output_file, as_json=as_json)
    engine = connect()
    service = find_service(engine, name)
    url = service_url(engine, service) if service.is_running else None
    if url is None:
        state = "is not reachable from here" if service.is_running else f"is not running ({service.state})"
        raise PredictionFailed(
            f"the service {service.name} {state}", hint="`infer ps` shows where services answer"
        )
    client = ServiceClient(url)
    if input_file is None:
        _predict_one(client, values, as_json=as_json)
    else:
        _predict_file(client, input_file, output_file, batch_rows, as_json=as_json)


def split_words(words: list[str]) -> tuple[str | None, dict[str, str]]:
    """The service's name, if the first word is one, and the values by feature; raises `UsageError`."""
    name = words[0] if words and "=" not in words[0] else None
    values: dict[str, str] = {}
    for word in words[name is not None :]:
        feature, equals, value = word.partition("=")
        if not equals or not feature:
            raise UsageError(f"{word!r} is no value", hint="write FEATURE=VALUE, for example slength=1.5")
        if feature in values:
            raise UsageError(f"{feature} is given twice")
        values[feature] = value
    return name, values


def _check(
    values: dict[str, str], input_file: Path | None, output_file: Path | None, *, as_json: bool
) -> None:
    if input_file is None and not values:
        raise UsageError("no values were given", hint="write FEATURE=VALUE …, or --input FILE")
    if input_file is not None and values:
        raise UsageError("values and --input were given; use one of them")
    if output_file is not None and input_file is None:
        raise UsageError("--output goes with --input")
    if as_json and input_file is not None and output_file is None:
        raise UsageError("--json with --input needs --output: the rows would mix with the object on stdout")


def _predict_one(client: ServiceClient, values: dict[str, str], *, as_json: bool) -> None:
    row = typed_row(values, client.model())
    answer = client.predict([row])
    record: dict[str, Any] = {"prediction": answer.predictions[0]}
    text = str(answer.predictions[0])
    if answer.probabilities:
        record["probabilities"] = answer.probabilities[0]
        text += f"\n{_probabilities_text(answer.probabilities[0])}"
    output.show(text, record, as_json=as_json)


def _probabilities_text(probabilities: Any) -> str:  # noqa: ANN401 (see `Predictions`)
    """A table, most likely first; a model of several outputs has one for each."""
    if isinstance(probabilities, list):
        return "\n".join(_probabilities_text(output) for output in probabilities)
    if not isinstance(probabilities, dict):
        return str(probabilities)
    likely = sorted(probabilities.items(), key=lambda entry: entry[1] or 0.0, reverse=True)
    cells = [(label, "-" if value is None else f"{value:.4f}") for label, value in likely]
    return output.table(("CLASS", "PROBABILITY"), cells)


def typed_row(values: Mapping[str, str], model: ServedModel) -> dict[str, object]:
    """The values as the model's features want them; what does not fit is left for the service to name."""
    return {name: typed_value(text, model.features.get(name)) for name, text in values.items()}


def typed_value(text: str, feature: ServedFeature | None) -> object:
    """What a text means for a feature: nothing, a number, a truth value, or the text itself."""
    from infer_cli.client.row_files import plain_number  # noqa: PLC0415 (keeps `infer --help` quick)

    kind = "any" if feature is None else feature.type
    if text == "":
        return text if feature is not None and feature.takes_empty else None
    if kind == "boolean":
        return _TRUTH.get(text.strip().lower(), text)
    if kind == "number" or (kind == "any" and _PLAIN_NUMBER.fullmatch(text)):
        number = plain_number(text)
        return number if not isinstance(number, str) else _WORDS.get(text.strip().lower(), text)
    return _WORDS.get(text.lower(), text) if kind == "any" else text


def _predict_file(
    client: ServiceClient, input_file: Path, output_file: Path | None, batch_rows: int, *, as_json: bool
) -> None:
    from infer_cli.client.row_files import format_of, open_writer, read_rows  # noqa: PLC0415 (see above)

    model = client.model()
    # The cells of a CSV are texts. In another CSV they stay as they are; elsewhere they get types.
    is_text = format_of(input_file) == "csv"
    keeps_text = output_file is None or format_of(output_file) == "csv"
    done = 0
    with show_progress() as progress, open_writer(output_file, sys.stdout) as writer:
        for batch in read_rows(input_file, batch_rows=batch_rows, keep_text=True):
            if not done:
                _check_columns(input_file, batch[0], model)
            rows = [typed_row(row, model) for row in batch] if is_text else batch
            known = [{name: row[name] for name in row if name in model.features} for row in rows]
            try:
                answer = client.predict(known, first_row=done + 1)
            except PredictionFailed as error:
                error.message = f"{input_file}: {error.message}"
                if is_text and _has_decimal_commas(batch, model):
                    error.hint = "write numbers with a point: 1.5, not 1,5"
                raise
            shown = batch if keeps_text else rows
            writer.write(
                [{**row, **columns} for row, columns in zip(shown, answer_columns(answer), strict=True)]
            )
            done += len(batch)
            progress.advance("rows", done, None)
    if output_file is not None:
        text = f"Wrote {done} predictions to {output_file}"
        output.show(text, {"rows": done, "output": str(output_file)}, as_json=as_json)
    else:
        output.note(f"{done} rows")


def _has_decimal_commas(rows: list[dict[str, Any]], model: ServedModel) -> bool:
    numbers = [name for name, feature in model.features.items() if feature.type == "number"]
    return any(_DECIMAL_COMMA.fullmatch(row.get(name, "").strip()) for row in rows for name in numbers)


def _check_columns(input_file: Path, row: Mapping[str, object], model: ServedModel) -> None:
    """Refuse a file that lacks a column, before each of its rows is refused for that, or that has our own."""
    others = [name for name in row if name not in model.features]
    if "prediction" in others:
        raise InferError(
            f"{input_file} has a column called prediction, which the answers would replace",
            hint="rename it, for example to expected",
        )
    missing = [name for name, feature in model.features.items() if feature.required and name not in row]
    if not missing:
        return
    near = [close for name in missing for close in get_close_matches(name, others, n=1)]
    hint = f"it has {', '.join(near)}; did you mean that? " if near else ""
    raise InferError(
        f"{input_file} has no column {', '.join(missing)}",
        hint=f"{hint}the model takes {', '.join(model.features)}",
    )


def answer_columns(answer: Predictions) -> list[dict[str, Any]]:
    """The answers as columns: `prediction`, and `probability_CLASS` for each class."""
    columns = []
    for index, prediction in enumerate(answer.predictions):
        column: dict[str, Any] = {"prediction": prediction}
        if answer.probabilities:
            probabilities = answer.probabilities[index]
            if isinstance(probabilities, dict):
                column |= {f"probability_{label}": value for label, value in probabilities.items()}
            else:
                column["probabilities"] = json.dumps(probabilities)
        columns.append(column)
    return columns
