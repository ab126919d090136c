"""Runs Python scripts, each in a copy of a process that has imported what they are made of.

`python -m tests.inspection.scripts` answers each line of standard input with the exit code of a script.
A line is an object of JSON: the text of the script, its folder, and the file for what it prints.
Importing scikit-learn takes a second of processor time, and such a script by itself a hundredth of that.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
import types

# What the scripts import, before they do.
PACKAGES = (
    *("cloudpickle", "joblib", "pandas", "sklearn.compose", "sklearn.ensemble", "sklearn.impute"),
    *("sklearn.linear_model", "sklearn.metrics", "sklearn.model_selection", "sklearn.pipeline"),
)


def _run(script: str, folder: str, log: str) -> int:
    """Run a script as `python -c` does."""
    os.chdir(folder)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    os.dup2(1, 2)
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    sys.argv, sys.path[0] = ["-c"], ""
    importlib.invalidate_caches()
    try:
        exec(compile(script, "<string>", "exec"), main.__dict__)  # noqa: S102 (the tests wrote it)
    except BaseException:  # noqa: BLE001 (as Python does at the end of a script)
        traceback.print_exc()
        return 1
    return 0


def main() -> None:
    """Answer each line."""
    for name in PACKAGES:
        importlib.import_module(name)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                code = _run(**json.loads(line))
                sys.stdout.flush()
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 (the answer)


if __name__ == "__main__":
    main()
