"""`infer compare`: whether two services answer the same rows alike."""

from __future__ import annotations

import math
import shlex
import statistics
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.errors import ImageNotFound, UsageError
from infer_cli.image.name import ImageName
from infer_cli.terminal import output
from infer_cli.terminal.completion import complete_service_or_image
from infer_cli.terminal.options import (
    AsJson,
    BatchRows,
    MissingColumns,
    ModelFile,
    ModelFolder,
    ReadyTimeout,
    input_option,
)
from infer_cli.terminal.progress import show_progress
from infer_cli.terminal.units import difference_text
from infer_cli.terminal.words import looks_like_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infer_cli.client.compared_file import Side
    from infer_cli.client.differences import Difference, Differences
    from infer_cli.client.service_client import ServiceClient
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.plan.run import ModelMount
    from infer_cli.terminal.progress import Progress

# The answers differ.
DIFFERENT = 3
_WIDEST_VALUE = 30
# Of one batch, the service that was asked first would be slower: taking turns needs two.
_LEAST_BATCHES = 2


def compare(  # noqa: PLR0913 (each is an option of the command)
    a: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="A running service, its URL, or an image.",
            autocompletion=complete_service_or_image,
        ),
    ],
    b: Annotated[
        str, typer.Argument(metavar="B", help="Another one.", autocompletion=complete_service_or_image)
    ],
    *,
    input_file: Annotated[Path, input_option("Rows: .csv, .json, .jsonl or .parquet; - is a pipe.")],
    tolerance: Annotated[
        float,
        typer.Option(metavar="NUMBER", min=0, help="How far numbers may be apart, relative or absolute."),
    ] = 1e-9,
    show: Annotated[
        int,
        typer.Option("--show", metavar="N", min=0, help="Show the first N rows of each kind of difference."),
    ] = 10,
    batch_rows: BatchRows = 1000,
    missing_columns: MissingColumns = None,
    model_dir: ModelFolder = None,
    model_file: ModelFile = None,
    timeout: ReadyTimeout = 120,
    as_json: AsJson = False,
) -> None:
    """Compare the answers of two services, or images, to the same rows.

    An image is started for the comparison, and removed afterwards; an image without a model inside serves
    the one in --model-dir.
    """
    for word in (a, b):
        if looks_like_model(word):
            raise UsageError(
                f"{word} is a file, not a service", hint=f"serve it first: `infer up {shlex.quote(word)}`"
            )
    with show_progress(in_pipe=False) as progress, ExitStack() as stack:
        progress.stage(f"Asking {a} and {b}")
        from infer_cli.client.compared_file import Side, compare_file  # noqa: PLC0415 (slow to import)
        from infer_cli.client.piped_rows import file_of_rows  # noqa: PLC0415
        from infer_cli.running.model_mount import mount_model  # noqa: PLC0415

        mount = mount_model(model_dir, model_file, writable=False)
        source = stack.enter_context(file_of_rows(input_file, sys.stdin.buffer))
        places = _Places(stack, mount, model_dir, progress, timeout)
        side_a, side_b = (Side(word, places.client(word)) for word in (a, b))
        progress.stage(f"Comparing {a} and {b}")
        found = compare_file(
            side_a,
            side_b,
            source,
            batch_rows=batch_rows,
            tolerance=tolerance,
            most_kept=show,
            on_batch=lambda done: progress.advance("rows", done, None),
            missing_columns=tuple(missing_columns or ()),
        )
    _report(side_a, side_b, found, batch_rows=batch_rows, as_json=as_json)
    raise typer.Exit(0 if found.is_same else DIFFERENT)


class _Places:
    """Finds where services answer, and starts images until the end of the command."""

    def __init__(
        self,
        stack: ExitStack,
        mount: ModelMount | None,
        folder: Path | None,
        progress: Progress,
        timeout_s: float,
    ) -> None:
        self._stack = stack
        self._mount = mount
        self._folder = folder
        self._progress = progress
        self._timeout_s = timeout_s
        self._connected: Engine | None = None

    def client(self, word: str) -> ServiceClient:
        """A client of a service by its name or URL, or of one that is started from an image."""
        if "://" in word:
            from infer_cli.client.service_client import ServiceClient  # noqa: PLC0415 (slow to import)
            from infer_cli.load.place import check_url  # noqa: PLC0415

            return ServiceClient(check_url(word))
        from infer_cli.engine.services import list_services  # noqa: PLC0415 (slow to import)
        from infer_cli.running.readiness import client_of  # noqa: PLC0415

        engine = self._engine()
        named = next((one for one in list_services(engine) if one.name == word), None)
        return client_of(engine, named or self._start(engine, word))

    def _engine(self) -> Engine:
        from infer_cli.engine.connection import connect  # noqa: PLC0415 (slow to import)

        self._connected = self._connected or connect()
        return self._connected

    def _start(self, engine: Engine, word: str) -> Service:
        """Start an image; it serves the mounted model only if none is inside."""
        from infer_cli.running.image_checks import (  # noqa: PLC0415 (slow to import)
            find_or_pull,
            has_model_inside,
        )
        from infer_cli.running.start import RunRequest  # noqa: PLC0415
        from infer_cli.running.temporary import temporary_service  # noqa: PLC0415

        name = ImageName.parse(word, allow_digest=True)
        try:
            image = find_or_pull(engine, name, "missing", self._progress)
        except ImageNotFound as error:
            error.message = (
                f"there is no service called {word}, and {error.message.removeprefix('there is ')}"
            )
            raise
        is_whole = has_model_inside(image)
        if not is_whole and image.is_service and self._mount is None:
            raise UsageError(
                f"the image {name} has no model inside", hint="say where the model is: --model-dir DIR"
            )
        request = RunRequest(
            name,
            model=None if is_whole else self._mount,
            model_folder=None if is_whole else self._folder,
        )
        started = temporary_service(engine, request, self._progress, timeout_s=self._timeout_s)
        return self._stack.enter_context(started)


def _report(side_a: Side, side_b: Side, found: Differences, *, batch_rows: int, as_json: bool) -> None:
    verdict = "The answers are the same." if found.is_same else "The answers differ."
    lines = [
        f"A: {side_a.name}",
        f"B: {side_b.name}",
        f"{found.rows} rows, {found.compared} answered by both",
        *_counted_lines(found),
    ]
    for first in (found.first_labels, found.first_numbers):
        if first:
            lines += ["", output.table(("ROW", "VALUE", "A", "B"), list(map(_row_line, first)))]
    if found.first_refused:
        lines += ["", *map(_refusal_line, found.first_refused)]
    latencies = _latency_lines(side_a, side_b, batch_rows)
    lines += ["", *latencies, *([""] if latencies else []), verdict]
    output.show("\n".join(lines), _record(side_a, side_b, found), as_json=as_json)


def _counted_lines(found: Differences) -> list[str]:
    """How much differs, a line for each kind of difference."""
    lines = []
    if found.are_labels:
        lines.append(f"labels: {_share(found.labels, found.compared)} differ")
    numbers = f"numbers: {_share(found.numbers, found.compared)} differ by more than {found.tolerance:g}"
    absolute, relative = found.largest_absolute, found.largest_relative
    lines.append(numbers)
    if absolute is not None:
        lines.append(f"  largest {_apart(absolute.absolute)}: row {absolute.row}, {absolute.column}")
    if relative is not None:
        lines.append(f"  largest relative {_apart(relative.relative)}: row {relative.row}, {relative.column}")
    lines += [f"only A gives {name}: {_share(count, found.compared)}" for name, count in found.only_a.items()]
    lines += [f"only B gives {name}: {_share(count, found.compared)}" for name, count in found.only_b.items()]
    if found.a_refused or found.b_refused or found.both_refused:
        lines.append(f"refused: {found.a_refused} by A, {found.b_refused} by B, {found.both_refused} by both")
    return lines


def _share(count: int, of: int) -> str:
    rows = "1 row" if count == 1 else f"{count} rows"
    return f"{rows} ({count / of:.2%})" if count and of else rows


def _apart(difference: float) -> str:
    return difference_text(difference) if math.isfinite(difference) else "infinite"


def _row_line(one: Difference) -> tuple[str, str, str, str]:
    return str(one.row), one.column, _value_text(one.a), _value_text(one.b)


def _value_text(value: object) -> str:
    """A value as it would stand in a CSV of predictions, cut if it is long."""
    from infer_cli.client.answer_columns import as_cell  # noqa: PLC0415 (keeps `infer --help` quick)

    return output.shortened(str(as_cell(value)), _WIDEST_VALUE)


def _refusal_line(one: Difference) -> str:
    from infer_cli.client.differences import Refusal  # noqa: PLC0415 (keeps `infer --help` quick)

    if isinstance(one.a, Refusal):
        return f"row {one.row}: A refuses it ({one.a.message}); B answers {_value_text(one.b)}"
    said = one.b.message if isinstance(one.b, Refusal) else ""
    return f"row {one.row}: B refuses it ({said}); A answers {_value_text(one.a)}"


def _latency_lines(side_a: Side, side_b: Side, batch_rows: int) -> list[str]:
    if len(side_a.batch_s) < _LEAST_BATCHES:
        return []
    rows = [
        (name, f"{1000 * statistics.median(times):.1f} ms", f"{1000 * max(times):.1f} ms")
        for name, times in (("A", side_a.batch_s), ("B", side_b.batch_s))
    ]
    return [output.table((f"{batch_rows} ROWS", "MEDIAN", "MAX"), rows)]


def _record(side_a: Side, side_b: Side, found: Differences) -> dict[str, object]:
    return {
        "same": found.is_same,
        "rows": found.rows,
        "compared": found.compared,
        "tolerance": found.tolerance,
        "labels_differ": found.labels,
        "numbers_differ": found.numbers,
        "largest_difference": _difference_record(found.largest_absolute),
        "largest_relative_difference": _difference_record(found.largest_relative),
        "only_a": dict(found.only_a),
        "only_b": dict(found.only_b),
        "refused": {"a": found.a_refused, "b": found.b_refused, "both": found.both_refused},
        "first_labels": [_difference_record(one) for one in found.first_labels],
        "first_numbers": [_difference_record(one) for one in found.first_numbers],
        "first_refused": [_difference_record(one) for one in found.first_refused],
        "a": _side_record(side_a),
        "b": _side_record(side_b),
    }


def _difference_record(one: Difference | None) -> dict[str, object] | None:
    if one is None:
        return None
    absolute, relative = (
        number if math.isfinite(number) else None for number in (one.absolute, one.relative)
    )
    values = {"a": _json_value(one.a), "b": _json_value(one.b)}
    return {"row": one.row, "value": one.column, **values, "absolute": absolute, "relative": relative}


def _json_value(value: object) -> object:
    """A value of an answer for strict JSON, which has no infinities; a refusal is an object of its own."""
    from infer_cli.client.answer_columns import as_cell  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.client.differences import Refusal  # noqa: PLC0415

    return {"refused": value.message} if isinstance(value, Refusal) else as_cell(value)


def _side_record(side: Side) -> dict[str, object]:
    times: Sequence[float] = side.batch_s
    latency = {"median": statistics.median(times) * 1000, "max": max(times) * 1000} if times else None
    return {"name": side.name, "batches": len(times), "batch_ms": latency}
