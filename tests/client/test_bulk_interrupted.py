"""Bulk prediction with a real service, in processes that are killed, and against services that go away."""

from __future__ import annotations

import csv
import json
import pickle
import random
import re
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet
from sklearn.linear_model import LinearRegression

from infer_cli.client.bulk import BulkOptions, predict_file
from infer_cli.client.service_client import ServiceClient
from infer_cli.client.unfinished import folder_of
from infer_cli.errors import RunNotResumed, ServiceAway
from tests.client.conftest import ROOT, free_port, kill_service, started_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infer_cli.client.bulk import PredictedFile

ROWS = 4000
BATCH_ROWS = 40
KILLS = 6
# Every so many rows, one is refused.
REFUSED_EVERY = 97


def rows_of(count: int, *, seed: int = 1) -> list[dict[str, object]]:
    chance = random.Random(seed)  # noqa: S311 (values of a table)
    names = ("slength", "swidth", "plength", "pwidth")
    rows: list[dict[str, object]] = [
        {"id": f"n{number}", **{name: round(chance.uniform(0.1, 7), 2) for name in names}}
        for number in range(count)
    ]
    for row in rows[::REFUSED_EVERY]:
        row["swidth"] = "wide"
    return rows


def write_rows(path: Path, count: int = ROWS) -> Path:
    rows = rows_of(count)
    if path.suffix == ".jsonl":
        path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    elif path.suffix == ".parquet":
        for row in rows[::REFUSED_EVERY]:
            row["swidth"] = None
        parquet.write_table(pa.Table.from_pylist(rows), path, row_group_size=333)
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return path


def start(url: str, source: Path, target: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "tests.client.bulk_process", url, str(source), str(target)]
    return subprocess.Popen([*words, str(BATCH_ROWS)], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    # To the generator's end: `yield from` would close the pipe with the first generator that is left.
    for line in process.stdout:  # noqa: UP028
        yield line


@pytest.mark.parametrize(
    ("source_suffix", "target_suffix"),
    [("csv", "csv"), ("jsonl", "jsonl"), ("parquet", "parquet"), ("csv", "csv.gz")],
)
def test_a_killed_run_goes_on_to_the_same_bytes(
    service: str, tmp_path: Path, source_suffix: str, target_suffix: str
) -> None:
    source = write_rows(tmp_path / f"in.{source_suffix}")
    whole, target = tmp_path / f"whole.{target_suffix}", tmp_path / f"out.{target_suffix}"
    undisturbed = start(service, source, whole)
    assert list(lines_of(undisturbed))[-1].startswith(f"end {ROWS - 42} 42 ")
    undisturbed.wait()
    chance = random.Random(target_suffix)  # noqa: S311 (moments)
    begun_at: list[int] = []
    started = [undisturbed]

    for _ in range(KILLS):
        process = start(service, source, target)
        started.append(process)
        lines = lines_of(process)
        begun_at.append(int(next(lines)))
        # As far as the last quarter of its share: some further rows are done before the signal comes.
        for _ in range(chance.randrange(1, ROWS // BATCH_ROWS // KILLS)):
            next(lines)
        process.send_signal(signal.SIGKILL)
        list(lines)
        assert process.wait() == -signal.SIGKILL
        assert not target.exists()
    process = start(service, source, target)
    started.append(process)
    begun_at.append(int(next(lines_of(process))))
    *_, last = lines_of(process)
    process.wait()
    for process in started:
        assert process.stdout is not None
        process.stdout.close()

    assert begun_at == sorted(begun_at)
    assert begun_at[-1] > 0
    assert last.startswith(f"end {ROWS - 42} 42 ")
    assert target.read_bytes() == whole.read_bytes()
    ending = "csv" if source_suffix == "csv" else "jsonl"
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        source.name,
        whole.name,
        target.name,
        f"whole.rejected.{ending}",
        f"out.rejected.{ending}",
    }
    rejected = (tmp_path / f"out.rejected.{ending}").read_bytes()
    assert rejected == (tmp_path / f"whole.rejected.{ending}").read_bytes()
    assert len(rejected.splitlines()) == 42 + (ending == "csv")


def predict(
    url: str, source: Path, target: Path, on_rows: Callable[[int], None] = lambda _: None, **more: float
) -> PredictedFile:
    return predict_file(
        [ServiceClient(url) for _ in range(2)],
        source,
        target,
        standard_output=sys.stdout,
        on_rows=lambda done, _: on_rows(done),
        options=BulkOptions(batch_rows=BATCH_ROWS, retry_for_s=more.get("retry_for_s", 60.0)),
    )


def test_a_service_that_is_started_again_is_waited_for(iris_folder: Path, tmp_path: Path) -> None:
    source, whole, target = write_rows(tmp_path / "in.csv"), tmp_path / "whole.csv", tmp_path / "out.csv"
    port = free_port()
    url, process = started_service(iris_folder / "model.pkl", port)
    predict(url, source, whole)
    processes = [process]

    def replace_service() -> None:
        kill_service(processes[0])
        processes.append(started_service(iris_folder / "model.pkl", port)[1])

    replacing = threading.Thread(target=replace_service)
    predicted = predict(url, source, target, lambda done: replacing.start() if done == ROWS // 2 else None)
    replacing.join()
    kill_service(processes[1])

    assert (predicted.rows, predicted.refused) == (ROWS - 42, 42)
    assert target.read_bytes() == whole.read_bytes()


def test_a_service_that_stays_away_leaves_what_is_done(iris_folder: Path, tmp_path: Path) -> None:
    source, whole, target = write_rows(tmp_path / "in.csv"), tmp_path / "whole.csv", tmp_path / "out.csv"
    port = free_port()
    url, first = started_service(iris_folder / "model.pkl", port)
    predict(url, source, whole)

    def kill(done: int) -> None:
        if done == ROWS // 2:
            kill_service(first)

    with pytest.raises(ServiceAway) as raised:
        predict(url, source, target, kill, retry_for_s=0.2)

    # Some further answers had come when the service was killed.
    assert (found := re.search(r"(\d+) rows are done", str(raised.value.detail)))
    assert ROWS // 2 <= int(found[1]) < ROWS
    assert str(folder_of(target)) in str(raised.value.detail)
    assert not target.exists()
    begun: list[int] = []
    _, second = started_service(iris_folder / "model.pkl", port)
    predict(url, source, target, begun.append)
    kill_service(second)
    assert begun[0] == int(found[1])
    assert target.read_bytes() == whole.read_bytes()


def test_a_service_that_comes_back_with_another_model_is_refused(iris_folder: Path, tmp_path: Path) -> None:
    """Its answers would stand beside those of the first model."""
    source, target, port = write_rows(tmp_path / "in.csv"), tmp_path / "out.csv", free_port()
    url, process = started_service(iris_folder / "model.pkl", port)
    model = LinearRegression().fit([[0.0] * 4, [1.0] * 4], [0.0, 2.0])
    model.feature_names_in_ = ["slength", "swidth", "plength", "pwidth"]
    (tmp_path / "other.pkl").write_bytes(pickle.dumps(model))
    processes = [process]

    def replace_service(done: int) -> None:
        if done == ROWS // 2:
            kill_service(processes[0])
            processes.append(started_service(tmp_path / "other.pkl", port)[1])

    with pytest.raises(RunNotResumed, match="serves another model than when this file was begun"):
        predict(url, source, target, replace_service)
    with pytest.raises(RunNotResumed, match="serves another model than when this file was begun"):
        predict(url, source, target)
    kill_service(processes[1])

    assert folder_of(target).exists()
    assert not target.exists()
