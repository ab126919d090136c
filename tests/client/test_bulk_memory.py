"""The memory of a bulk prediction does not grow with the file."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.client.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

SMALL, LARGE = 5_000, 200_000
# The rows of the large file with their answers take 16 MB as columns of Arrow, and 120 MB as rows of Python.
MOST_GROWTH_KB = 12_000
COLUMNS = ("slength", "swidth", "plength", "pwidth")


def values(number: int) -> list[float]:
    return [round(1 + (number * step) % 61 / 10, 1) for step in (3, 7, 11, 13)]


def write(path: Path, count: int) -> Path:
    if path.suffix == ".parquet":
        # One row group, which may be as large as the file.
        columns = zip(*(values(number) for number in range(count)), strict=True)
        table = pa.table(dict(zip(COLUMNS, map(list, columns), strict=True)))
        parquet.write_table(table, path, row_group_size=count)
        return path
    is_csv = path.suffix == ".csv"
    with path.open("w") as file:
        if is_csv:
            file.write(",".join(COLUMNS) + "\n")
        line = "{},{},{},{}\n" if is_csv else '{{"slength":{},"swidth":{},"plength":{},"pwidth":{}}}\n'
        file.writelines(line.format(*values(number)) for number in range(count))
    return path


def peak_kb(service: str, source: Path) -> int:
    target = source.with_name(f"answers-{source.name}")
    words = [sys.executable, "-m", "tests.client.bulk_process", service, str(source), str(target), "1000"]
    done = subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    _, predicted, refused, peak = done.stdout.splitlines()[-1].split()
    assert (int(predicted), int(refused)) == (int(source.stem), 0)
    return int(peak)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of one program")
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_file_40_times_as_large_takes_no_more_memory(service: str, tmp_path: Path, suffix: str) -> None:
    small = peak_kb(service, write(tmp_path / f"{SMALL}{suffix}", SMALL))
    large = peak_kb(service, write(tmp_path / f"{LARGE}{suffix}", LARGE))

    assert large - small < MOST_GROWTH_KB
