"""Whether the values of a row say how much an ONNX model computes: one row could take all memory.

A loop of as many rounds as a value says, or a tensor of that size, does no harm with the rows that are tried
when a model is loaded. Sizes that follow from the number of rows are right. The twin
`service/loading/onnx_sizes.py` says the same in the service.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from infer_cli.inspection.files.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infer_cli.inspection.formats.onnx_graph import Operator

# Operators that give the sizes of a value, and nothing of what it holds.
ENDS = frozenset(("Shape", "Size"))
# The inputs that say how much an operator makes, or how often it does something, by their positions.
SIZES = {
    "BlackmanWindow": (0,),
    "CenterCropPad": (1,),
    "Col2Im": (1, 2),
    "ConstantOfShape": (0,),
    "DFT": (1,),
    "Expand": (1,),
    "HammingWindow": (0,),
    "HannWindow": (0,),
    "Loop": (0,),
    "MaxUnpool": (2,),
    "MelWeightMatrix": (0, 1),
    "OneHot": (1,),
    "Pad": (1,),
    "Range": (0, 1, 2),
    "Resize": (1, 2, 3),
    "STFT": (1, 3),
    "Tile": (1,),
    "Upsample": (1,),
}
# What these operators give depends on values that are not among their inputs.
GRAPHS = frozenset(("If", "Loop", "Scan"))


def check_sizes(operators: list[Operator], inputs: Iterable[str]) -> None:
    """Raise `Refused` for an operator whose work depends on the values of `inputs`."""
    users: defaultdict[str, list[Operator]] = defaultdict(list)
    waiting = list(inputs)
    for operator in operators:
        for name in operator.inputs:
            users[name].append(operator)
        if operator.name in GRAPHS:
            waiting += operator.outputs
    of_row: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in of_row:
            of_row.add(name)
            waiting += (output for user in users[name] if user.name not in ENDS for output in user.outputs)
    for operator in operators:
        given = [operator.inputs[at] for at in SIZES.get(operator.name, ()) if at < len(operator.inputs)]
        if not of_row.isdisjoint(given):
            reason = f"takes a size for {operator.name} from the values of a row, which could be of any size"
            raise Refused(
                reason, hint="Convert the model with sizes that do not depend on the values of a row."
            )
