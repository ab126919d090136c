"""Writes a model folder: whole and checked, or not at all.

The model is a plain pickle. infer reads and judges a pickle without running it, it needs no further package
in the image, and it keeps the estimators of every library as they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infer_cli.saving import fresh_check
from infer_cli.saving.answers import ask, can_hold_answers, is_finite
from infer_cli.saving.failure import SaveFailed
from infer_cli.saving.lifting import Lifter, is_of_main
from infer_cli.saving.main_source import MainSource, main_globals
from infer_cli.saving.own_modules import copy_own_modules, distributions_of
from infer_cli.saving.references import named_objects, pickled
from infer_cli.saving.table import Table
from infer_cli.saving.values import items_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FunctionType

MODEL_NAME = "model.pkl"
SCHEMA_NAME = "infer.json"
EXAMPLES_NAME = "examples.jsonl"
CODE_NAME = "code"
# Packages whose versions decide an answer, if the training script has loaded them.
_ALWAYS = ("joblib", "numpy", "pandas", "scipy", "sklearn")
_CHECK_TIMEOUT_S = 600


def save_model(model: object, folder: str | os.PathLike[str], X: Any, y: Any, rows: int) -> Path:  # noqa: ANN401, N803
    """Write the folder, and give its path; see `infer_cli.save`."""
    target = Path(folder).absolute()
    _check_target(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as name:
        draft = Path(name) / target.name
        draft.mkdir(mode=0o755)
        _write(model, draft, X, y, rows)
        if target.exists():
            target.replace(Path(name) / "before")
        draft.replace(target)
    return target


def _check_target(target: Path) -> None:
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    try:
        is_ours = "saved" in json.loads((target / SCHEMA_NAME).read_bytes())
    except (OSError, ValueError, TypeError):
        is_ours = False
    if not is_ours:
        message = f"{target} holds something that infer_cli.save did not write; nothing was changed"
        raise SaveFailed(message, hint="choose a new folder, or empty this one")


def _write(model: object, draft: Path, X: Any, y: Any, rows: int) -> None:  # noqa: ANN401, N803
    code = draft / CODE_NAME
    named = named_objects(model)
    own, module = _lift(named, draft)
    file = draft / MODEL_NAME
    file.write_bytes(pickled(model, own.lifted, module))
    modules = {value.__module__.partition(".")[0] for value in named} - {"__main__"}
    texts = [own.text] if own.lifted else []
    needed = copy_own_modules(modules, texts, code)
    if hasattr(X, "iloc"):
        # Own code takes the rows as they were in training.
        needed.add("pandas")
    if own.lifted:
        code.mkdir(exist_ok=True)
        (code / f"{module}.py").write_text(own.text, encoding="utf-8")
    saved: dict[str, object] = {
        "by": f"infer {_version()}",
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "packages": distributions_of({*needed, *(name for name in _ALWAYS if name in sys.modules)}),
    }
    if code.exists():
        saved["code"] = CODE_NAME
        saved["requires"] = sorted(distributions_of(needed))
    schema: dict[str, object] = {
        "digest": f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}",
        "saved": saved,
    }
    given, answers = None, {}
    if X is not None:
        table = Table(X, _learned_names(model))
        chosen = _rows_to_show(table.row_count, y, rows)
        given = table.chosen(chosen)
        answers = ask(model, given)
        _write_examples(table, chosen, answers, draft / EXAMPLES_NAME)
        schema["features"] = table.features()
        if absent := table.absent_names():
            schema["optional"] = absent
        saved["examples"] = EXAMPLES_NAME
    (draft / SCHEMA_NAME).write_text(
        json.dumps(schema, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    _check_fresh(file, code, given, answers.get("prediction"))


def _version() -> str:
    try:
        return metadata.version("infer-cli")
    except metadata.PackageNotFoundError:
        return "(source)"


def _lift(named: Sequence[type | FunctionType], draft: Path) -> tuple[Lifter, str]:
    """Collect what the model names of `__main__`; also give the name of the module for it."""
    own = Lifter(MainSource.of_this_process(), main_globals())
    for value in named:
        if is_of_main(value) or value.__name__ == "<lambda>":
            own.lift(value)
    name = re.sub(r"\W", "_", draft.name)
    return own, f"{name if name[:1].isalpha() else f'model_{name}'}_code"


def _learned_names(model: object) -> list[str] | None:
    try:
        names = getattr(model, "feature_names_in_", None)
    except Exception:  # noqa: BLE001 (a property of an estimator may raise anything)
        return None
    return None if names is None else [str(name) for name in items_of(names)]


def _rows_to_show(count: int, y: Any, wanted: int) -> list[int]:  # noqa: ANN401 (any library's)
    """Choose rows that are evenly spaced, and the first of every label."""
    shown = min(count, wanted)
    chosen = {at * count // shown for at in range(shown)}
    if y is not None:
        first: dict[object, int] = {}
        for at, label in enumerate(items_of(y)[:count]):
            if isinstance(label, (bool, int, str)) and len(first) < wanted:
                first.setdefault(label, at)
        chosen.update(first.values())
    return sorted(chosen)


def _write_examples(
    table: Table, chosen: Sequence[int], answers: dict[str, list[object]], file: Path
) -> None:
    records = table.records(chosen)
    if can_hold_answers(table.names):
        records = [
            {**record, **{name: values[at] for name, values in answers.items()}}
            for at, record in enumerate(records)
        ]
    lines = [json.dumps(record, ensure_ascii=False) for record in records if is_finite(record)]
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _check_fresh(file: Path, code: Path, given: object, predictions: object) -> None:
    """Load the model in a new process, and compare its answers; raise `SaveFailed` if one differs."""
    packages = [path for path in sys.path if "site-packages" in path or "dist-packages" in path]
    with tempfile.TemporaryDirectory() as empty:
        rows = Path(empty) / "rows.pkl"
        try:
            rows.write_bytes(pickle.dumps((given, predictions), 5))
        except Exception as error:
            raise SaveFailed(
                f"X cannot be pickled: {error}", hint="give X as a table of plain values"
            ) from error
        finished = subprocess.run(
            [sys.executable, "-c", Path(fresh_check.__file__).read_text("utf-8"), str(file), str(rows)],
            cwd=empty,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(code), *packages])},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_CHECK_TIMEOUT_S,
            check=False,
        )
    if finished.returncode != 0:
        said = (finished.stdout or finished.stderr).strip().splitlines()
        raise SaveFailed(
            f"the saved model does not work in a fresh Python: {said[-1] if said else finished.returncode}",
            hint="nothing was written. Give the model only what its classes and functions get as arguments, "
            "and no state of the script",
        )
