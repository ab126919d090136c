"""Other scanners of model files: run with the Python of an environment that has them.

::

    uv venv /tmp/scanners && uv pip install --python /tmp/scanners/bin/python \
        picklescan fickling modelscan skops scikit-learn pandas joblib typing_extensions
    /tmp/scanners/bin/python tests/safety/scanners.py FOLDER

Prints one JSON object: for each file of the folder, what each scanner says: "found", "doubtful", "failed" (it
gave up, and a loader would go on) or "passed". A scanner that does not read the format is left out.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import multiprocessing
import resource
import sys
import warnings
from pathlib import Path
from typing import Any

FOUND, DOUBTFUL, FAILED, PASSED = "found", "doubtful", "failed", "passed"
# A scanner may be exhausted by a file as a loader is: it has failed then.
SECONDS, BYTES = 20, 4 * 2**30


def picklescan(file: Path) -> str:
    module: Any = importlib.import_module("picklescan.scanner")
    result = module.scan_file_path(str(file))
    if result.issues_count:
        return FOUND
    if result.scan_err:
        return FAILED
    levels = {one.safety for one in result.globals}
    return DOUBTFUL if module.SafetyLevel.Suspicious in levels else PASSED


def fickling(file: Path) -> str:
    pickles: Any = importlib.import_module("fickling.fickle")
    analysis: Any = importlib.import_module("fickling.analysis")
    with file.open("rb") as opened:
        stacked = pickles.StackedPickle.load(opened)
    worst = max((analysis.check_safety(one).severity for one in stacked), key=lambda found: found.value[0])
    if worst == analysis.Severity.LIKELY_SAFE:
        return PASSED
    likely = (analysis.Severity.POSSIBLY_UNSAFE, analysis.Severity.SUSPICIOUS)
    return DOUBTFUL if worst in likely else FOUND


def modelscan(file: Path) -> str:
    result = importlib.import_module("modelscan.modelscan").ModelScan().scan(str(file))
    if result["issues"]:
        return FOUND
    return FAILED if result["errors"] or result["summary"]["skipped"]["total_skipped"] else PASSED


def skops(file: Path) -> str:
    module: Any = importlib.import_module("skops.io")
    return FOUND if module.get_untrusted_types(file=file) else PASSED


SCANNERS = {".pkl": (picklescan, fickling, modelscan), ".skops": (skops,)}


def _limited(scanner: Any, file: Path, answers: Any) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            answers.put(scanner(file))
        except BaseException:  # noqa: BLE001 (a scanner that raises has failed)
            answers.put(FAILED)


def main() -> None:
    """Scan the files of a folder."""
    for module in ("picklescan.scanner", "fickling.analysis", "modelscan.modelscan", "skops.io"):
        importlib.import_module(module)
    forked = multiprocessing.get_context("fork")
    found: dict[str, dict[str, str]] = {}
    for file in sorted(Path(sys.argv[1]).iterdir()):
        found[file.name] = {}
        for scanner in SCANNERS.get(file.suffix, ()):
            answers = forked.SimpleQueue()
            process = forked.Process(target=_limited, args=(scanner, file, answers))
            process.start()
            process.join()
            found[file.name][scanner.__name__] = FAILED if answers.empty() else answers.get()
    print(json.dumps(found))  # noqa: T201 (its purpose)


if __name__ == "__main__":
    main()
