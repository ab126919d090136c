"""Predicts a file in a process of its own, and prints the rows done after each batch, and its peak memory.

python -m tests.client.bulk_process URL SOURCE TARGET BATCH_ROWS
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from infer_cli.client import outlets, parquet
from infer_cli.client.bulk import BulkOptions, predict_file
from infer_cli.client.service_client import ServiceClient


def main(url: str, source: str, target: str, batch_rows: str) -> None:
    # So that small files have several row groups, too.
    parquet.GROUP_ROWS = 1000
    outlets._PAUSE_PER_SAVE = 0
    # What a killed process has written stays, unlike that of a machine without power.
    os.fsync = lambda fd: None  # noqa: ARG005
    predicted = predict_file(
        [ServiceClient(url) for _ in range(3)],
        Path(source),
        Path(target),
        standard_output=sys.stdout,
        on_rows=lambda done, _: print(done, flush=True),  # noqa: T201
        # The state is saved after each batch or two, so that every part of the work is interrupted some time.
        options=BulkOptions(batch_rows=int(batch_rows), save_every_s=0.005),
    )
    # Unlike `ru_maxrss`, this does not begin with the memory of the process that started this one.
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print("end", predicted.rows, predicted.refused, peak[1] if peak else 0)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
