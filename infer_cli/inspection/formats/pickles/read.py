"""Reading a model that pickle or joblib wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.inspection.files.budget import Budget
from infer_cli.inspection.files.foreign import START_BYTES, clearer, refuse_foreign
from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.formats.pickles.joblib_arrays import JoblibMachine
from infer_cli.inspection.formats.pickles.machine import Machine

if TYPE_CHECKING:
    from infer_cli.inspection.files.stream import Stream
    from infer_cli.inspection.nodes.node_types import Node


def read_pickle(stream: Stream) -> tuple[Node, JoblibMachine]:
    """Read the one pickle of a file; give the node in it, and the machine with the names that it imports.

    Raises `Refused` for another format, for a pickle that the machine refuses, and for bytes after the
    pickle.
    """
    start = stream.peek(START_BYTES)
    refuse_foreign(start)
    machine = JoblibMachine(stream, Budget())
    try:
        content = machine.run()
    except Refused as refused:
        raise clearer(refused, start) from refused
    if not stream.is_at_end():
        _refuse_more(stream)
    return content, machine


def _refuse_more(stream: Stream) -> None:
    end = stream.position
    try:
        Machine(stream, Budget()).run()
        reason = f"holds several pickles, one after another: the second starts at byte {end}"
    except Refused:
        reason = f"goes on after its pickle, which ends at byte {end}"
    raise Refused(reason, hint="Save the model alone in a file of its own, with joblib.dump(model, path).")
