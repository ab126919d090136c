"""Functions that cloudpickle or dill wrote by value: their code is in the file.

cloudpickle makes a function of `_builtin_type("CodeType")`, called with what `_code_reduce` in its
`cloudpickle.py` gives: numbers, the bytes of the code, and later the path of the source and the name.
"""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, NoReturn

from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.nodes.node_types import Global, Instance

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.node_types import Node

# What makes the class of Python's code objects, by package.
_MAKERS = {"cloudpickle": "_builtin_type", "dill": "_load_type"}


def is_code(callee: Instance) -> bool:
    """Say whether calling this makes a code object of Python."""
    made_by = callee.callee
    if not isinstance(made_by, Global) or callee.arguments != ("CodeType",):
        return False
    return _MAKERS.get(made_by.module.partition(".")[0]) == made_by.name


def refuse_code(arguments: Node) -> NoReturn:
    """Refuse a file that holds the code of a function; `arguments` make the code object."""
    strings = [one for one in arguments if isinstance(one, str)] if isinstance(arguments, tuple) else []
    # From Python 3.11 on, the name is followed by the name with the class around it.
    path, name = (strings[0], strings[-1]) if len(strings) > 1 else ("", "")
    shown = _printable(name) or "a function"
    source = PureWindowsPath(path).name if "\\" in path else PurePosixPath(path).name
    where = "" if not source or source.startswith("<") else f" from {_printable(source)}"
    reason = f"holds code itself: cloudpickle wrote {shown}{where} by value, and infer runs no such code"
    own = "the function" if "<lambda>" in shown else shown.partition(".")[0]
    hint = (
        f"Define {own} in a module, such as own.py, import it from there in the training script, train and "
        "save again: the file then names it. Build with --code own.py."
    )
    raise Refused(reason, hint=hint)


def _printable(text: str) -> str:
    return ascii(text)[1:-1][:80]
