"""Makes the table of hostile files by kind: `python -m tests.safety.table [PYTHON]`.

PYTHON is that of an environment with other scanners: see `scanners`. The table tells, for each kind, how many
files there are, how many the inspection and the service refuse, and what the scanners say.
"""

from __future__ import annotations

import json
import multiprocessing
import pickle
import resource
import subprocess
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from infer_cli.errors import InferError
from infer_cli.inspection import inspect_model, require_safe
from service.errors import ServiceError
from service.loading.model_file import load_model
from tests.safety import exhausting
from tests.safety.attacks import corpus
from tests.safety.misplaced.corpus import misplaced
from tests.safety.misplaced.made import saved
from tests.safety.unsound import UNSOUND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.queues import SimpleQueue

CANARY = "/tmp/infer-table"  # noqa: S108 (a name that is written into the files)
SCANNERS = Path(__file__).with_name("scanners.py")
SUFFIXES = {"pickle": ".pkl", "skops": ".skops", "onnx": ".onnx"}
COLUMNS = ("picklescan", "fickling", "modelscan", "skops")
# Many times what a sound model of this size takes.
SECONDS, BYTES = 30, 4 * 2**30


class Sample(NamedTuple):
    """A hostile file of a kind, in a format."""

    kind: str
    form: str
    data: bytes


def samples() -> Iterator[Sample]:
    for attack in corpus(CANARY):
        form = "onnx" if attack.kind == "ONNX" else "skops" if attack.library == "skops" else "pickle"
        yield Sample(attack.kind, form, attack.data)
    for case in misplaced(CANARY):
        files = saved(case)
        for form in ("pickle", "skops"):
            if form in files:
                yield Sample(f"{'skops, ' if form == 'skops' else ''}{case.kind}", form, files[form])
    for name, data in exhausting.corpus().items():
        yield Sample(f"made to exhaust: {name.partition(':')[0]}", "pickle", data)
    for make in UNSOUND.values():
        yield Sample("unsound values for compiled code", "pickle", pickle.dumps(make()))


def inspected(file: Path) -> str:
    try:
        require_safe(inspect_model(file), ())
    except InferError:
        return "refused"
    return "taken"


def served(file: Path) -> str:
    try:
        load_model(file)
    except ServiceError:
        return "refused"
    return "taken"


def _limited(gate: Callable[[Path], str], file: Path, answers: SimpleQueue[str]) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    warnings.simplefilter("ignore")
    answers.put(gate(file))


def judged(gate: Callable[[Path], str], file: Path) -> str:
    """Ask a gate in a process of its own, which a file that comes through may end."""
    forked = multiprocessing.get_context("fork")
    answers: SimpleQueue[str] = forked.SimpleQueue()
    process = forked.Process(target=_limited, args=(gate, file, answers))
    process.start()
    process.join()
    return "ended" if answers.empty() else answers.get()


def main() -> None:
    """Print the table."""
    counts: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    kinds: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, sample in enumerate(samples()):
            file = folder / f"{number:05}{SUFFIXES[sample.form]}"
            file.write_bytes(sample.data)
            kinds[file.name] = sample.kind
            found = counts[sample.kind]
            found["files", ""] += 1
            for gate in (inspected, served):
                found[gate.__name__, judged(gate, file)] += 1
        if sys.argv[1:]:
            told = subprocess.run([sys.argv[1], SCANNERS, folder], stdout=subprocess.PIPE, check=True).stdout
            for file_name, answers in json.loads(told).items():
                for scanner, answer in answers.items():
                    counts[kinds[file_name]][scanner, answer] += 1
    print(f"| kind | files | inspection | service | {' | '.join(COLUMNS)} |")  # noqa: T201 (its purpose)
    print("| --- " * 4 + "| --- " * len(COLUMNS) + "|")  # noqa: T201
    for kind, found in counts.items():
        cells = [kind, str(found["files", ""]), _gate(found, "inspected"), _gate(found, "served")]
        print(f"| {' | '.join([*cells, *(_scanner(found, one) for one in COLUMNS)])} |")  # noqa: T201


def _gate(found: Counter[tuple[str, str]], gate: str) -> str:
    others = [f"{found[gate, word]} {word}" for word in ("taken", "ended") if found[gate, word]]
    return str(found[gate, "refused"]) + (f" ({', '.join(others)})" if others else "")


def _scanner(found: Counter[tuple[str, str]], scanner: str) -> str:
    if not any(one == scanner for one, _ in found):
        return "-"
    others = [f"{found[scanner, word]} {word}" for word in ("doubtful", "failed") if found[scanner, word]]
    return str(found[scanner, "found"]) + (f" ({', '.join(others)})" if others else "")


if __name__ == "__main__":
    main()
